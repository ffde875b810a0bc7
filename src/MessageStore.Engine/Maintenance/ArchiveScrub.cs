using System.Diagnostics;
using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Reads every archive file from end to end and compares it with the keys and with the index, and then the other way round: files against keys, keys against files and other places, archived
/// messages against keys. With <see cref="ArchiveTestOptions.Rebuild"/> the keys are made anew from the files alone. Memory is bounded by the number of files and mailboxes.
/// </summary>
internal sealed partial class ArchiveScrub(
    MailDatabase mail, FileArchiveTarget files, ArchiveTargets archive, IKeyManager keys, ArchiveTestOptions options, IProgress<RunProgress>? progress, ArchiveFindings findings)
{
    /// <summary>How many keys of a volume were seen to point at a whole record.</summary>
    private readonly Dictionary<string, long> good = new(StringComparer.Ordinal);

    /// <summary>Archived messages of a mailbox of which a finding says that no key points at their record.</summary>
    private readonly Dictionary<string, long> saidKeyless = new(StringComparer.OrdinalIgnoreCase);

    private int volumes;
    private long records, bytes, orphans, deleted, deletedBytes, spare, missing, rebuilt;

    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public async Task<ArchiveTest> RunAsync(CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        HashSet<string>? folders = options.Mailboxes.Count == 0 ? null : FoldersOf();
        foreach (string volume in files.ListVolumes().Where(v => folders is null || folders.Contains(ArchivePaths.MailboxFolderOf(v))))
        {
            progress?.Report(new RunProgress("Reading", volume, records, 0));
            await ReadVolumeAsync(volume, cancellationToken).ConfigureAwait(false);
        }
        await CheckKeysAsync(cancellationToken).ConfigureAwait(false);
        if (mail.FailedGroups.Count == 0) CheckMessages(cancellationToken);
        foreach (FailedGroup group in mail.FailedGroups)
            findings.Add(new ArchiveFinding { Problem = $"Storage group {group.Settings.Name} is not open, so nothing is known of its messages: {group.Reason.Message}" });
        return new ArchiveTest
        {
            Database = mail.Path,
            Result = findings.Result,
            Files = volumes,
            Records = records,
            Bytes = bytes,
            Orphans = orphans,
            Deleted = deleted,
            DeletedBytes = deletedBytes,
            Spare = spare,
            Missing = missing,
            KeysRebuilt = rebuilt,
            Duration = watch.Elapsed,
            FindingCount = findings.Count,
            Findings = findings.Kept,
        };
    }

    private bool IsMeant(string mailbox) => options.Mailboxes.Count == 0 || options.Mailboxes.Any(p => Wildcard.Matches(p, mailbox));

    private HashSet<string> FoldersOf() => [.. mail.Groups.SelectMany(g => g.MailboxNames()).Where(IsMeant).Select(ArchivePaths.FolderOf), .. options.Mailboxes.Where(m => !Wildcard.IsPattern(m)).Select(ArchivePaths.FolderOf)];

    private async Task ReadVolumeAsync(string volume, CancellationToken cancellationToken)
    {
        volumes++;
        long strangers = 0, keyless = 0, restored = 0, dead = 0, deadBytes = 0;
        string path = files.PathOf(volume), mailbox = ArchivePaths.MailboxFolderOf(volume);
        try
        {
            foreach (ArchivedRecordInfo record in files.Walk(volume, damage => findings.Add(mailbox, damage.Path, damage.Offset, 0, $"{damage.Length} bytes there hold no readable record. Test-MessageDatabase -Repair takes them out.")))
            {
                cancellationToken.ThrowIfCancellationRequested();
                mailbox = record.Mailbox;
                ArchiveKey here = record.ToKey(files.Name, files.Unit, volume);
                IReadOnlyList<ArchiveKey> known = keys.Find(record.Id);
                if (!await IsWholeAsync(here, record, known, cancellationToken).ConfigureAwait(false)) continue;
                records++;
                bytes += record.Length;
                bool isThere = mail.TryFind(record.Id, out _, out IndexEntry entry);
                if (known.FirstOrDefault(k => IsSame(k, here)) is { } key)
                {
                    good[volume] = good.GetValueOrDefault(volume) + 1;
                    if (isThere || key.DeletedDate is null) continue;
                    dead++;
                    deadBytes += record.Length;
                }
                else if (!isThere) strangers++;
                else if (!entry.IsArchived || known.Any(k => k.Target != files.Name || files.HasVolume(k.Volume))) spare++;
                else if (!options.Rebuild) keyless++;
                else
                {
                    keys.Put([here]);
                    good[volume] = good.GetValueOrDefault(volume) + 1;
                    restored++;
                }
            }
        }
        catch (MessageStoreException error)
        {
            findings.Add(mailbox, path, null, 0, error.Message);
        }
        orphans += strangers;
        deleted += dead;
        deletedBytes += deadBytes;
        rebuilt += restored;
        if (dead > 0 && mail.FailedGroups.Count == 0)
            findings.Add(new ArchiveFinding { Mailbox = mailbox, File = path, Messages = dead, IsHarmless = true, Problem = $"{dead} records of {deadBytes} bytes belong to deleted messages; Remove-ExpiredMessage gives their space back." });
        if (strangers > 0 && mail.FailedGroups.Count == 0)
            findings.Add(new ArchiveFinding { Mailbox = mailbox, File = path, Messages = strangers, IsHarmless = true, Problem = $"{strangers} records belong to messages that the database does not have, and nothing says that they were deleted: they may be newer than the backup it was restored from." });
        if (keyless > 0)
        {
            findings.Add(mailbox, path, null, keyless, $"No key points at {keyless} records whose messages are archived. Make the keys anew with -Rebuild.");
            saidKeyless[mailbox] = saidKeyless.GetValueOrDefault(mailbox) + keyless;
        }
        if (restored > 0)
            findings.Add(new ArchiveFinding { Mailbox = mailbox, File = path, Messages = restored, IsRepaired = true, Problem = $"No key pointed at {restored} records whose messages are archived; the keys were made anew." });
    }

    /// <summary>Reads a record. One that is damaged and that a key points at is left to those who look at the keys.</summary>
    private async Task<bool> IsWholeAsync(ArchiveKey here, ArchivedRecordInfo record, IReadOnlyList<ArchiveKey> known, CancellationToken cancellationToken)
    {
        try
        {
            await files.VerifyAsync(here, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error))
        {
            if (!known.Any(k => IsSame(k, here)))
                findings.Add(new ArchiveFinding { Mailbox = record.Mailbox, File = files.PathOf(here.Volume), Offset = here.Offset, Id = record.Id, IsHarmless = true, Problem = error.Message });
            return false;
        }
    }

    /// <summary>Archived messages without a key at all, one finding a mailbox.</summary>
    private void CheckMessages(CancellationToken cancellationToken)
    {
        foreach (StorageGroup group in mail.Groups)
        {
            foreach (string mailbox in group.MailboxNames().Where(IsMeant))
            {
                if (!group.TryFindMailbox(mailbox, out int number)) continue;
                long keyless = 0;
                foreach (IndexEntry entry in group.List(number))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Guid id = entry.Id.ToGuid();
                    if (entry.IsArchived && keys.Find(id).Count == 0 && group.TryGet(id, out IndexEntry now) && now.IsArchived) keyless++;
                }
                if (keyless == 0 || saidKeyless.GetValueOrDefault(mailbox) >= keyless) continue;
                missing += keyless;
                findings.Add(mailbox, mail.ArchivePath, null, keyless, $"{keyless} messages are archived, and no key and no file says where.");
            }
        }
    }

    private static bool IsSame(ArchiveKey one, ArchiveKey other) => one.Target == other.Target && one.Unit == other.Unit && one.Volume == other.Volume && one.Offset == other.Offset;
}
