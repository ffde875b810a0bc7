using System.Diagnostics;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// Removes messages whose deletion date has passed and that no hold covers. The order makes it safe to be interrupted anywhere: the message is deleted in the log (where a hold has
/// its say), a tombstone beside the records forbids its return, its key goes, and then the file is written anew without its record.
/// </summary>
internal sealed class ExpiryAgent(MailDatabase mail, FileArchiveTarget files, IKeyManager keys, TimeProvider clock)
{
    private const int AtATime = 4096;

    private readonly ExpiryBook book = new();

    /// <exception cref="MessageStoreException">ArchiveUnavailable, or a storage group is not open: nothing was removed.</exception>
    public async Task<ExpiryRun> RunAsync(ExpiryOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        DateTimeOffset now = clock.GetUtcNow();
        if (mail.FailedGroups.Count > 0)
            throw new MessageStoreException(mail.FailedGroups[0].Reason.ErrorId, ErrorKind.Device,
                $"Nothing is removed while storage group {mail.FailedGroups[0].Settings.Name} is not open, because its holds are not known: {mail.FailedGroups[0].Reason.Message}",
                mail.FailedGroups[0].Settings.Name, mail.FailedGroups[0].Reason);
        await files.CheckAsync(cancellationToken).ConfigureAwait(false);

        var due = new Dictionary<Guid, List<ArchiveKey>>();
        foreach (ArchiveKey key in keys.List(new KeyQuery { DueAt = now }))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (options.Mailboxes.Count > 0 && !options.Mailboxes.Any(p => Wildcard.Matches(p, key.Mailbox))) continue;
            if (!due.TryAdd(key.Id, [key])) due[key.Id].Add(key);
            if (due.Count < AtATime) continue;
            await SettleAsync(due, options.DryRun).ConfigureAwait(false);
            due.Clear();
            progress?.Report(new RunProgress("Removing", key.Mailbox, book.Receipts.Sum(r => r.Due), 0));
        }
        await SettleAsync(due, options.DryRun).ConfigureAwait(false);
        new RecordReclaim(mail, files, keys, book).Run(options, now, progress, cancellationToken);
        if (!options.DryRun) FreeFiles(now, progress, cancellationToken);

        IReadOnlyList<ExpiryReceipt> receipts = book.Receipts;
        return new ExpiryRun
        {
            Id = Guid.CreateVersion7(now),
            Database = mail.Path,
            Started = now,
            Due = receipts.Sum(r => r.Due),
            Removed = receipts.Sum(r => r.Removed),
            Held = receipts.Sum(r => r.Held),
            Reclaimed = receipts.Sum(r => r.Reclaimed),
            Failed = receipts.Sum(r => r.Failed),
            BytesFreed = receipts.Sum(r => r.BytesFreed),
            FilesDeleted = book.FilesDeleted,
            FilesRewritten = book.FilesRewritten,
            Duration = watch.Elapsed,
            DryRun = options.DryRun,
            Receipts = receipts,
        };
    }

    private async Task SettleAsync(Dictionary<Guid, List<ArchiveKey>> due, bool dryRun)
    {
        var doomed = new Dictionary<StorageGroup, List<Guid>>();
        var expired = new List<Guid>();
        var superfluous = new List<Guid>();
        foreach ((Guid id, List<ArchiveKey> copies) in due)
        {
            string mailbox = copies[0].Mailbox;
            bool isThere = mail.TryFind(id, out StorageGroup group, out IndexEntry entry);
            if ((isThere ? group.HoldOn(id) : HoldOnGone(mail, id, mailbox, null)) is { } hold)
            {
                book.Held(mailbox, RecordNote.DescribeHold(hold));
                continue;
            }
            if (isThere && !entry.IsArchived && group.NeedOfCopy(entry) is { } need)
            {
                book.Note(mailbox, $"Records of messages that live in the store again stay as long as these are {need}.");
                continue;
            }
            if (dryRun)
            {
                book.Due(mailbox);
                continue;
            }
            if (!isThere) expired.Add(id); // a run was interrupted between deletion and tombstone
            else if (!entry.IsArchived) superfluous.Add(id); // recalled: the message lives, its record is no longer needed
            else if (!doomed.TryAdd(group, [id])) doomed[group].Add(id);
        }
        foreach ((StorageGroup group, List<Guid> ids) in doomed) await DeleteAsync(group, ids, due, expired).ConfigureAwait(false);
        foreach (Guid id in (Guid[])[.. expired, .. superfluous]) book.Removed(due[id][0].Mailbox);
        Bury(due, expired, superfluous);
    }

    /// <summary>Deletes messages in the log; those that a hold has come to cover stay.</summary>
    private async Task DeleteAsync(StorageGroup group, List<Guid> ids, Dictionary<Guid, List<ArchiveKey>> due, List<Guid> expired)
    {
        try
        {
            await group.CommitAsync([.. ids.Select(id => Transaction.Deleted(id, group.Identity.Salt))]).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            foreach (IGrouping<string, Guid> one in ids.GroupBy(id => due[id][0].Mailbox)) book.Failed(one.Key, one.Count(), error.Message);
            return;
        }
        foreach (Guid id in ids)
        {
            if (group.HoldOn(id) is { } hold) book.Held(due[id][0].Mailbox, RecordNote.DescribeHold(hold));
            else expired.Add(id);
        }
    }

    private void Bury(Dictionary<Guid, List<ArchiveKey>> due, List<Guid> expired, List<Guid> superfluous)
    {
        if (expired.Count + superfluous.Count == 0) return;
        List<Tombstones> stones =
        [
            .. expired.GroupBy(id => VolumeOf(due[id])).Select(v => new Tombstones(TombstoneFrameType.Expired, v.Key, [.. v])),
            .. superfluous.Select(id => VolumeOf(due[id])).Distinct().Where(v => v.Length > 0).Select(v => new Tombstones(TombstoneFrameType.Superfluous, v, [])),
        ];
        files.Tombstones.Add(stones);
        keys.Remove([.. expired, .. superfluous]);
    }

    /// <summary>Which archive file holds a message; empty where it lies elsewhere.</summary>
    private string VolumeOf(List<ArchiveKey> copies) => copies.Find(k => k.Target == files.Name && k.Unit == files.Unit)?.Volume ?? "";

    private void FreeFiles(DateTimeOffset now, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        VolumeRewriter rewriter = files.Rewriter();
        Dictionary<string, HashSet<Guid>> volumes = Doomed();
        DoomCopies(volumes, rewriter);
        long done = 0;
        // The older generation first: what an interrupted run copied out of it is finished, before the copy is asked what nobody needs in it.
        foreach ((string volume, HashSet<Guid> reclaimed) in volumes.OrderBy(v => ArchivePaths.Generation(v.Key, 1), StringComparer.Ordinal).ThenBy(v => ArchivePaths.GenerationOf(v.Key)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(new RunProgress("Freeing", volume, ++done, volumes.Count));
            string mailbox = ArchivePaths.MailboxFolderOf(volume);
            try
            {
                (long freed, bool rewritten) = rewriter.Rewrite(volume, info =>
                {
                    mailbox = info.Mailbox;
                    return FateOf(info, reclaimed, now);
                }, files.Tombstones, cancellationToken);
                if (freed == 0) continue;
                book.Freed(mailbox, freed);
                if (rewritten) book.FilesRewritten++;
                else book.FilesDeleted++;
            }
            catch (MessageStoreException error)
            {
                book.NotFreed(mailbox, error.Message);
            }
        }
    }

    /// <summary>The volumes that are to be written anew, with the messages whose records were given up in them.</summary>
    private Dictionary<string, HashSet<Guid>> Doomed()
    {
        var volumes = new Dictionary<string, HashSet<Guid>>(StringComparer.Ordinal);
        foreach (Tombstones stones in files.Tombstones.Read())
        {
            if (!volumes.TryGetValue(stones.Volume, out HashSet<Guid>? reclaimed))
            {
                if (!files.HasVolume(stones.Volume)) continue;
                volumes.Add(stones.Volume, reclaimed = []);
            }
            if (stones.Type == TombstoneFrameType.Reclaimed) reclaimed.UnionWith(stones.Ids);
        }
        return volumes;
    }

    /// <summary>
    /// What tombstones say of a file they say of its newer generations too. These are there already where an interrupted run copied the file and did not delete it: what has come due since lies in
    /// both, and its tombstone names the older one, because its key did.
    /// </summary>
    private void DoomCopies(Dictionary<string, HashSet<Guid>> volumes, VolumeRewriter rewriter)
    {
        var copies = new List<Tombstones>();
        foreach ((string volume, HashSet<Guid> reclaimed) in volumes.OrderBy(v => ArchivePaths.GenerationOf(v.Key)).ToList())
        {
            foreach (string newer in rewriter.NewerThan(volume))
            {
                if (!volumes.TryGetValue(newer, out HashSet<Guid>? known))
                {
                    volumes.Add(newer, known = []);
                    copies.Add(new Tombstones(TombstoneFrameType.Superfluous, newer, []));
                }
                Guid[] more = [.. reclaimed.Except(known)];
                if (more.Length == 0) continue;
                known.UnionWith(more);
                copies.Add(new Tombstones(TombstoneFrameType.Reclaimed, newer, more));
            }
        }
        files.Tombstones.Add(copies);
    }

    /// <summary>What is to become of a record that no key in its volume points at.</summary>
    private RecordFate FateOf(ArchivedRecordInfo info, HashSet<Guid> reclaimed, DateTimeOffset now)
    {
        if (keys.Find(info.Id).Any(k => k.Target == files.Name && k.Unit == files.Unit)) return RecordFate.Dead; // another record has taken its place
        if ((info.DeletionDate is not { } date || date > now) && !reclaimed.Contains(info.Id)) return RecordFate.Kept;
        if (mail.TryFind(info.Id, out _, out IndexEntry entry)) return entry.IsArchived ? RecordFate.Kept : RecordFate.Dead;
        return HoldOnGone(mail, info.Id, info.Mailbox, info.ReceivedDate) is null ? RecordFate.Dead : RecordFate.Kept;
    }

    /// <summary>A hold on a message that the index has not: without its received date, any date may be meant.</summary>
    public static GroupRecord? HoldOnGone(MailDatabase mail, Guid id, string mailbox, DateTimeOffset? received)
    {
        foreach (StorageGroup group in mail.Groups)
            if (group.HoldOn(id, received, mailbox) is { } hold) return hold;
        return null;
    }
}
