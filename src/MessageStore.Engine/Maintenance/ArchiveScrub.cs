using System.Diagnostics;
using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Reads every archive file from end to end and compares it with the keys and with the index, and then the other way round: files against keys, keys against files, archived messages
/// against keys. With <see cref="ArchiveTestOptions.Rebuild"/> the keys are made anew from the files alone.
/// </summary>
internal sealed class ArchiveScrub(MailDatabase mail, FileArchiveTarget files, IKeyManager keys, ArchiveTestOptions options, IProgress<RunProgress>? progress)
{
    private readonly List<ArchiveFinding> findings = [];

    /// <summary>How many keys of a volume were seen to point at a whole record.</summary>
    private readonly Dictionary<string, long> good = new(StringComparer.Ordinal);

    private int volumes;
    private long records, bytes, orphans, spare, missing, rebuilt;

    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public ArchiveTest Run(CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        HashSet<string>? folders = options.Mailboxes.Count == 0 ? null : FoldersOf();
        foreach (string volume in files.ListVolumes().Where(v => folders is null || folders.Contains(ArchivePaths.MailboxFolderOf(v))))
        {
            progress?.Report(new RunProgress("Reading", volume, records, 0));
            ReadVolume(volume, cancellationToken);
        }
        CheckKeys(cancellationToken);
        if (mail.FailedGroups.Count == 0) CheckMessages(cancellationToken);
        foreach (FailedGroup group in mail.FailedGroups)
            findings.Add(new ArchiveFinding { Problem = $"Storage group {group.Settings.Name} is not open, so nothing is known of its messages: {group.Reason.Message}" });
        List<ArchiveFinding> real = [.. findings.Where(f => !f.IsHarmless)];
        return new ArchiveTest
        {
            Database = mail.Path,
            Result = real.Count == 0 ? DatabaseTestResult.Whole : real.TrueForAll(f => f.IsRepaired) ? DatabaseTestResult.Repaired : DatabaseTestResult.Damaged,
            Files = volumes,
            Records = records,
            Bytes = bytes,
            Orphans = orphans,
            Spare = spare,
            Missing = missing,
            KeysRebuilt = rebuilt,
            Duration = watch.Elapsed,
            Findings = findings,
        };
    }

    private bool IsMeant(string mailbox) => options.Mailboxes.Count == 0 || options.Mailboxes.Any(p => Wildcard.Matches(p, mailbox));

    private HashSet<string> FoldersOf() => [.. mail.Groups.SelectMany(g => g.MailboxNames()).Where(IsMeant).Select(ArchivePaths.FolderOf), .. options.Mailboxes.Where(m => !Wildcard.IsPattern(m)).Select(ArchivePaths.FolderOf)];

    private void ReadVolume(string volume, CancellationToken cancellationToken)
    {
        volumes++;
        long strangers = 0, keyless = 0, restored = 0;
        string path = files.PathOf(volume), mailbox = ArchivePaths.MailboxFolderOf(volume);
        try
        {
            foreach (ArchivedRecordInfo record in files.Walk(volume, damage => Report(mailbox, damage.Path, damage.Offset, 0, $"{damage.Length} bytes there hold no readable record.")))
            {
                cancellationToken.ThrowIfCancellationRequested();
                mailbox = record.Mailbox;
                ArchiveKey here = record.ToKey(files.Name, files.Unit, volume);
                IReadOnlyList<ArchiveKey> known = keys.Find(record.Id);
                if (!IsWhole(here, record, known)) continue;
                records++;
                bytes += record.Length;
                if (known.Any(k => IsSame(k, here))) good[volume] = good.GetValueOrDefault(volume) + 1;
                else if (!mail.TryFind(record.Id, out _, out IndexEntry entry)) strangers++;
                else if (!entry.IsArchived || known.Any(k => k.Target == files.Name && files.HasVolume(k.Volume))) spare++;
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
            Report(mailbox, path, null, 0, error.Message);
        }
        orphans += strangers;
        rebuilt += restored;
        if (strangers > 0 && mail.FailedGroups.Count == 0)
            findings.Add(new ArchiveFinding { Mailbox = mailbox, File = path, Messages = strangers, IsHarmless = true, Problem = $"{strangers} records belong to messages that the database does not have: deleted by their user, or newer than the backup it was restored from." });
        if (keyless > 0) Report(mailbox, path, null, keyless, $"No key points at {keyless} records whose messages are archived. Make the keys anew with -Rebuild.");
        if (restored > 0)
            findings.Add(new ArchiveFinding { Mailbox = mailbox, File = path, Messages = restored, IsRepaired = true, Problem = $"No key pointed at {restored} records whose messages are archived; the keys were made anew." });
    }

    /// <summary>Reads a record; one that is damaged is a finding where a message needs it.</summary>
    private bool IsWhole(ArchiveKey here, ArchivedRecordInfo record, IReadOnlyList<ArchiveKey> known)
    {
        try
        {
            files.VerifyAsync(here).AsTask().GetAwaiter().GetResult();
            return true;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            bool isNeeded = known.Any(k => IsSame(k, here)) && mail.TryFind(record.Id, out _, out IndexEntry entry) && entry.IsArchived;
            if (isNeeded)
            {
                missing++;
                good[here.Volume] = good.GetValueOrDefault(here.Volume) + 1; // said now, not once more by its key
            }
            findings.Add(new ArchiveFinding
            {
                Mailbox = record.Mailbox, File = files.PathOf(here.Volume), Offset = here.Offset, Id = record.Id, Messages = isNeeded ? 1 : 0, IsHarmless = !isNeeded, Problem = error.Message,
            });
            return false;
        }
    }

    /// <summary>Keys against files: what was not seen while the files were read.</summary>
    private void CheckKeys(CancellationToken cancellationToken)
    {
        var pointed = new Dictionary<string, (long Keys, string Mailbox)>(StringComparer.Ordinal);
        var strays = new List<ArchiveKey>();
        foreach (ArchiveKey key in keys.List())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (key.Target != files.Name || !IsMeant(key.Mailbox)) continue;
            pointed[key.Volume] = (pointed.GetValueOrDefault(key.Volume).Keys + 1, key.Mailbox);
            if (mail.FailedGroups.Count == 0 && !mail.TryFind(key.Id, out _, out _)) strays.Add(key);
        }
        foreach (ArchiveKey key in strays)
        {
            if (mail.TryFind(key.Id, out _, out _)) continue;
            if (options.Rebuild) keys.Remove(key.Id, key.Target, key.Unit);
            findings.Add(new ArchiveFinding
            {
                Mailbox = key.Mailbox, File = files.PathOf(key.Volume), Offset = key.Offset, Id = key.Id, IsRepaired = options.Rebuild,
                Problem = options.Rebuild ? "A key pointed at this record, but there is no such message; it was removed." : "A key points at this record, but there is no such message.",
            });
        }
        foreach ((string volume, (long count, string mailbox)) in pointed)
        {
            if (!files.HasVolume(volume))
            {
                missing += count;
                Report(mailbox, files.PathOf(volume), null, count, $"The file is missing; keys of {count} messages point into it. Bring it back from another copy.");
            }
            else if (good.GetValueOrDefault(volume) < count)
            {
                CheckKeysOf(volume, cancellationToken);
            }
        }
    }

    private void CheckKeysOf(string volume, CancellationToken cancellationToken)
    {
        foreach (ArchiveKey key in keys.List().Where(k => k.Target == files.Name && k.Volume == volume))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                files.VerifyAsync(key, cancellationToken).AsTask().GetAwaiter().GetResult();
            }
            catch (MessageStoreException error)
            {
                // Expired, recalled or deleted while we read?
                if (!keys.Find(key.Id).Contains(key) || findings.Exists(f => f.Id == key.Id && f.Offset == key.Offset)) continue;
                if (mail.TryFind(key.Id, out _, out IndexEntry entry) && entry.IsArchived) missing++;
                findings.Add(new ArchiveFinding { Mailbox = key.Mailbox, File = files.PathOf(volume), Offset = key.Offset, Id = key.Id, Messages = 1, Problem = error.Message });
            }
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
                if (keyless == 0 || findings.Exists(f => f.Mailbox == mailbox && f.Problem.StartsWith("No key points", StringComparison.Ordinal) && f.Messages >= keyless)) continue;
                missing += keyless;
                Report(mailbox, mail.ArchivePath, null, keyless, $"{keyless} messages are archived, and no key and no file says where.");
            }
        }
    }

    private void Report(string mailbox, string file, long? offset, long messages, string problem) =>
        findings.Add(new ArchiveFinding { Mailbox = mailbox, File = file, Offset = offset, Messages = messages, Problem = problem });

    private static bool IsSame(ArchiveKey one, ArchiveKey other) => one.Target == other.Target && one.Unit == other.Unit && one.Volume == other.Volume && one.Offset == other.Offset;
}
