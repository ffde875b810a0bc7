using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>Keys and archive: every archived message has a key, every key a whole record, and every key a message.</summary>
internal sealed partial class DatabaseScrub
{
    /// <summary>Archive files that are missing, with the first message in each and how many there are.</summary>
    private readonly Dictionary<string, (DatabaseFinding First, string Aside, long Count)> missingFiles = new(StringComparer.Ordinal);

    private bool readsArchive;

    /// <summary>An archive that is away is one finding, not one for each message in it.</summary>
    private async Task CheckArchiveAsync(CancellationToken cancellationToken)
    {
        readsArchive = false;
        if (options.SkipArchive) return;
        try
        {
            await archive.CheckAsync(cancellationToken).ConfigureAwait(false);
            readsArchive = true;
        }
        catch (MessageStoreException error)
        {
            Report(new DatabaseFinding { File = mail.ArchivePath, Problem = error.Message });
        }
    }

    private async Task CheckKeysAsync(StorageGroup group, string mailbox, IndexEntry entry, ImageHeader? image, List<DamagedMessage> keyless, CancellationToken cancellationToken)
    {
        Guid id = entry.Id.ToGuid();
        try
        {
            IReadOnlyList<ArchiveKey> copies = keys.Find(id);
            if (copies.Count == 0)
            {
                // Recalled or deleted in the meantime?
                if (group.TryGet(id, out IndexEntry now) && now.IsArchived && keys.Find(id).Count == 0)
                    keyless.Add(new DamagedMessage(entry, Finding(group, mailbox, entry, mail.ArchivePath, null, "No key says where in the archive the message lies.")));
                return;
            }
            foreach (ArchiveKey key in copies) await CheckCopyAsync(group, mailbox, entry, image, key, cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            Report(Finding(group, mailbox, entry, error.Target as string ?? "", null, error.Message));
        }
    }

    private async Task CheckCopyAsync(StorageGroup group, string mailbox, IndexEntry entry, ImageHeader? image, ArchiveKey key, CancellationToken cancellationToken)
    {
        if (image is { } header && !key.Sha256.Equals(Sha256Of(header), StringComparison.OrdinalIgnoreCase))
            Report(Finding(group, mailbox, entry, PathOf(key), key.Offset, "The key names another SHA-256 than the message had when it was stored."));
        if (!readsArchive) return;
        if (archive.Find(key.Target) is null)
        {
            Report(Finding(group, mailbox, entry, PathOf(key), key.Offset, $"The copy could not be read: this database has no archive of the kind '{key.Target}'."));
            return;
        }
        try
        {
            pace.Wait((int)Math.Min(key.Length, int.MaxValue), cancellationToken);
            await archive.VerifyAsync(key, cancellationToken).ConfigureAwait(false);
            bytes += key.Length;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveUnavailable)
        {
            readsArchive = false;
            Report(new DatabaseFinding { File = mail.ArchivePath, Problem = error.Message });
        }
        catch (MessageStoreException error)
        {
            // Expired, recalled or deleted while we read?
            if (!group.TryGet(key.Id, out IndexEntry now) || !now.IsArchived || !keys.Find(key.Id).Contains(key)) return;
            bool isFileMissing = error.ErrorId == ErrorIds.ArchiveFileMissing;
            DatabaseFinding finding = Finding(group, mailbox, entry, PathOf(key), isFileMissing ? null : key.Offset, error.Message);
            if (!ArchiveErrors.IsDamage(error)) Report(finding);
            else if (isFileMissing && !options.Repair) NoteMissing(finding, key);
            else badRecords.Add(new DamagedRecord(now, key, isFileMissing, finding));
        }
    }

    private void NoteMissing(DatabaseFinding finding, ArchiveKey key) =>
        missingFiles[finding.File] = missingFiles.TryGetValue(finding.File, out (DatabaseFinding First, string Aside, long Count) missing)
            ? missing with { Count = missing.Count + 1 }
            : (finding, (archive.Find(key.Target) as FileArchiveTarget)?.AsideNote(key.Volume) ?? "", 1);

    /// <summary>A file that is missing is one finding, not one for each message in it.</summary>
    private void ReportMissingFiles()
    {
        foreach ((string path, (DatabaseFinding first, string aside, long count)) in missingFiles)
            Report(first with { Problem = $"{path} is missing from the archive; keys of {count} messages point into it, the first of which is this.{aside} Bring the file back from another copy." });
    }

    /// <summary>Keys whose message no group has. Those of a message that is being deleted at this moment are looked at a second time, at the end.</summary>
    private void CheckOrphans(CancellationToken cancellationToken)
    {
        var suspects = new List<ArchiveKey>();
        try
        {
            foreach (ArchiveKey key in keys.List())
            {
                cancellationToken.ThrowIfCancellationRequested();
                // A key that says that its message was deleted is as it should be.
                if (key.DeletedDate is null && !mail.TryFind(key.Id, out _, out _)) suspects.Add(key);
            }
            foreach (ArchiveKey key in suspects)
            {
                if (mail.TryFind(key.Id, out _, out _) || !keys.Find(key.Id).Contains(key)) continue;
                string repairedFrom = "";
                if (options.Repair && keys.RemoveCopies([key]) > 0) repairedFrom = "the index: the key was removed";
                Report(new DatabaseFinding
                {
                    Mailbox = key.Mailbox, Id = key.Id, File = PathOf(key), Offset = key.Offset, RepairedFrom = repairedFrom,
                    Problem = "A key points at this record, but there is no such message.",
                });
            }
        }
        catch (MessageStoreException error)
        {
            Report(new DatabaseFinding { File = error.Target as string ?? "", Problem = error.Message });
        }
    }

    /// <summary>The archive files hold all that a key says.</summary>
    private async Task RebuildKeysAsync(List<DamagedMessage> keyless, CancellationToken cancellationToken)
    {
        if (archive.Find(FileArchiveTarget.TargetName) is not FileArchiveTarget files) return;
        Dictionary<Guid, DamagedMessage> missing = keyless.ToDictionary(m => m.Entry.Id.ToGuid());
        try
        {
            foreach (string volume in files.ListVolumes())
            {
                foreach (ArchivedRecordInfo record in files.Walk(volume))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (!missing.TryGetValue(record.Id, out DamagedMessage? message) || message.Finding.IsRepaired) continue;
                    ArchiveKey key = record.ToKey(files.Name, files.Unit, volume);
                    if (record.BodyLength != message.Entry.Length || !await IsWholeAsync(key, cancellationToken).ConfigureAwait(false)) continue;
                    keys.Put([key]);
                    message.Finding = message.Finding with { RepairedFrom = PathOf(key), File = PathOf(key), Offset = key.Offset };
                }
                if (missing.Values.All(m => m.Finding.IsRepaired)) return;
            }
        }
        catch (MessageStoreException error)
        {
            Report(new DatabaseFinding { File = mail.ArchivePath, Problem = $"The archive could not be searched for lost keys: {error.Message}" });
        }
    }

    /// <summary>A record found by walking is believed only when all of it holds: a damaged file may show fragments of something else.</summary>
    private async Task<bool> IsWholeAsync(ArchiveKey key, CancellationToken cancellationToken)
    {
        try
        {
            await archive.VerifyAsync(key, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error))
        {
            return false;
        }
    }

    private string PathOf(ArchiveKey key)
    {
        if (archive.Find(FileArchiveTarget.TargetName) is not FileArchiveTarget files || key.Target != files.Name || key.Unit != files.Unit) return $"{key.Unit}/{key.Volume}";
        try
        {
            return ArchivePaths.Resolve(mail.ArchivePath, key.Volume);
        }
        catch (MessageStoreException)
        {
            return key.Volume;
        }
    }

    private static string Sha256Of(in ImageHeader image)
    {
        Span<byte> sha256 = stackalloc byte[32];
        image.DigestLow.Write(sha256);
        image.DigestHigh.Write(sha256[16..]);
        return Convert.ToHexStringLower(sha256);
    }
}
