using System.Globalization;
using MessageStore.Archiving;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Damaged archive records: the message is looked for in its other copies, in the logs, in the dead space of the store and in the backups. What is found whole is appended to the
/// archive as a new record with the dates of the old one, and the key points there. The damaged bytes are taken out of the file afterwards.
/// </summary>
internal sealed partial class DatabaseScrub
{
    private async Task RepairRecordsAsync(StorageGroup group, List<DamagedRecord> bad, CancellationToken cancellationToken)
    {
        progress?.Report(new RunProgress("Repairing", $"{group.Name}, {bad.Count} archive records", 0, bad.Count));
        try
        {
            // Appending is the archive agent's, and two must not do it at once.
            using MaintenanceLock turn = MaintenanceLock.Take(mail.Storage, mail.Path, MaintenanceTask.Archive, clock);
            foreach (DamagedRecord record in bad) await FromOtherCopiesAsync(group, record, cancellationToken).ConfigureAwait(false);
            await FromFilesAsync(group, bad, "the log", (wanted, open) => group.FindInLogs(wanted, open, cancellationToken), cancellationToken).ConfigureAwait(false);
            await FromFilesAsync(group, bad, "the dead space of the store", (wanted, open) => group.FindInSegments(wanted, open, cancellationToken), cancellationToken).ConfigureAwait(false);
            int backups = await RecordsFromBackupsAsync(group, bad, cancellationToken).ConfigureAwait(false);
            foreach (DamagedRecord record in bad.Where(r => !r.Finding.IsRepaired && !r.HasOtherCopy)) record.Lose(string.Create(CultureInfo.InvariantCulture,
                $"There is no good copy of it in another archive, in the log, in the store or in {backups} backups at {mail.BackupPath}. Bring the file back from a copy of the archive of your own."));
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            foreach (DamagedRecord record in bad.Where(r => !r.Finding.IsRepaired && !r.HasOtherCopy)) record.Add($"It was not repaired: {error.Message}");
        }
    }

    private async Task FromOtherCopiesAsync(StorageGroup group, DamagedRecord record, CancellationToken cancellationToken)
    {
        foreach (ArchiveKey other in keys.Find(record.Key.Id).Where(k => k != record.Key))
        {
            try
            {
                using Stream stream = await archive.OpenAsync(other, cancellationToken).ConfigureAwait(false);
                if (record.Key.Target != FileArchiveTarget.TargetName)
                {
                    record.HasOtherCopy = true;
                    record.Add($"The copy at {PathOf(other)} can be read, so nothing is lost: Repair-StorageNode makes this one anew.");
                    return;
                }
                using MessageBody body = await MessageBody.FromStreamAsync(stream, PathOf(other), cancellationToken).ConfigureAwait(false);
                if (await WriteAnewAsync(group, record, body, PathOf(other), cancellationToken).ConfigureAwait(false)) return;
            }
            catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error) || error.ErrorId == ErrorIds.ArchiveUnavailable)
            {
                // Perhaps another copy is better.
            }
        }
    }

    private async Task FromFilesAsync(StorageGroup group, List<DamagedRecord> bad, string from, Func<IReadOnlySet<Guid>, List<IDisposable>, LogImages> find, CancellationToken cancellationToken)
    {
        HashSet<Guid> wanted = Wanted(bad);
        if (wanted.Count == 0) return;
        var open = new List<IDisposable>();
        try
        {
            await TryRecordsAsync(group, bad, find(wanted, open).Found, from, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (IDisposable file in open) file.Dispose();
        }
    }

    /// <returns>How many complete backups of this database were there to be asked.</returns>
    private async Task<int> RecordsFromBackupsAsync(StorageGroup group, List<DamagedRecord> bad, CancellationToken cancellationToken)
    {
        int asked = 0;
        foreach (string path in UsableBackups(group))
        {
            asked++;
            HashSet<Guid> wanted = Wanted(bad);
            if (wanted.Count == 0) continue;
            await InBackupAsync(group, path, wanted, candidates => TryRecordsAsync(group, bad, candidates, path, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        return asked;
    }

    private async Task TryRecordsAsync(
        StorageGroup group, List<DamagedRecord> bad, List<(Guid Id, ushort SummaryLength, ImageSource Source)> candidates, string from, CancellationToken cancellationToken)
    {
        ILookup<Guid, (Guid Id, ushort SummaryLength, ImageSource Source)> byId = candidates.ToLookup(c => c.Id);
        foreach (DamagedRecord record in bad.Where(r => !r.Finding.IsRepaired && !r.HasOtherCopy))
        {
            foreach ((_, ushort summaryLength, ImageSource source) in byId[record.Key.Id])
            {
                if (group.OpenWhole(record.Entry, summaryLength, source) is not { } stream) continue;
                using (stream)
                {
                    using MessageBody body = await MessageBody.FromStreamAsync(stream, from, cancellationToken).ConfigureAwait(false);
                    if (await WriteAnewAsync(group, record, body, from, cancellationToken).ConfigureAwait(false)) break;
                }
            }
        }
    }

    /// <summary>Appends a record as the damaged one was, and points the key at it.</summary>
    /// <returns>Whether that was the message.</returns>
    private async Task<bool> WriteAnewAsync(StorageGroup group, DamagedRecord record, MessageBody body, string from, CancellationToken cancellationToken)
    {
        ArchiveKey key = record.Key;
        if (!Convert.ToHexStringLower(body.Sha256).Equals(key.Sha256, StringComparison.OrdinalIgnoreCase) || !group.TryName(record.Entry, out string? mailbox, out string? folder)) return false;
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Fastest, mail.Storage, spoolFolder);
        using var batch = new ArchiveBatch(writer);
        batch.Add(new ArchiveEntry
        {
            Id = key.Id, Mailbox = mailbox, Folder = folder, Flags = (MessageFlags)(record.Entry.Flags & EntryFlags.UserMask), Sender = headers.Read(body.Head.Span[..Math.Min(body.Head.Length, MessageBody.HeadLimit)]).From,
            ReceivedDate = new DateTimeOffset(record.Entry.ReceivedTicks, TimeSpan.Zero), StorageDate = key.StorageDate, DeletionDate = key.DeletionDate, Body = body,
        });
        using IArchiveSession session = await OpenSessionAsync(key, mailbox, cancellationToken).ConfigureAwait(false);
        // A repair that was cut off has written its record and not come to say so.
        ArchiveKey[] left = [.. session.Unrecorded.Where(r => r.Key.Id == key.Id && r.Key.Sha256 == key.Sha256).Select(r => r.Key)];
        if (session.Unrecorded.Count > left.Length)
            throw new MessageStoreException(ErrorIds.ArchiveDamaged, ErrorKind.Damaged, $"An interrupted archive run left records in the archive of {mailbox}. Let Start-MessageArchive take them over first.", mailbox);
        IReadOnlyList<ArchiveKey> written = left.Length > 0 ? left : await session.AppendAsync(batch, cancellationToken).ConfigureAwait(false);
        keys.Put(written);
        if (!written.Any(k => k.Target == key.Target && k.Unit == key.Unit)) keys.RemoveCopies([key]);
        record.Finding = record.Finding with { RepairedFrom = from };
        return true;
    }

    /// <summary>A file that is gone, or shorter than its keys, is not appended to: what is left of the month goes into its next generation.</summary>
    private async Task<IArchiveSession> OpenSessionAsync(ArchiveKey key, string mailbox, CancellationToken cancellationToken)
    {
        IArchiveTarget target = archive.Find(key.Target)!;
        try
        {
            return await target.OpenSessionAsync(mailbox, key.StorageDate, cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error) && target is FileArchiveTarget)
        {
            return ((FileArchiveTarget)target).OpenNextGeneration(mailbox, key.StorageDate, cancellationToken);
        }
    }

    private static HashSet<Guid> Wanted(List<DamagedRecord> bad) => [.. bad.Where(r => !r.Finding.IsRepaired && !r.HasOtherCopy).Select(r => r.Key.Id)];

    /// <summary>An archive record with a finding.</summary>
    private sealed class DamagedRecord(IndexEntry entry, ArchiveKey key, bool isFileMissing, DatabaseFinding finding)
    {
        public IndexEntry Entry => entry;

        public ArchiveKey Key => key;

        /// <summary>Whether it is the file that is gone: all that stays missing of it is one finding.</summary>
        public bool IsFileMissing => isFileMissing;

        /// <summary>Whether the message can be read elsewhere, and whoever keeps the copies makes this one anew.</summary>
        public bool HasOtherCopy { get; set; }

        public DatabaseFinding Finding { get; set; } = finding;

        /// <summary>Whether every place was asked, and none has the message.</summary>
        public bool IsLost { get; private set; }

        public void Lose(string sentence)
        {
            IsLost = true;
            Add(sentence);
        }

        public void Add(string sentence) => Finding = Finding with { Problem = $"{Finding.Problem} {sentence}" };
    }
}
