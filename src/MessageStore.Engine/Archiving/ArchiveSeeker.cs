using System.Threading.Channels;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// A seeker (figure 5): goes through its partition of the users, applies the criteria to every message's index entry, tags what matches into the hidden
/// folder, and puts each user with matches on the queue.
/// </summary>
internal sealed class ArchiveSeeker(ArchiveRules rules, bool dryRun, ReceiptBook receipts, ChannelWriter<ArchiveTask> queue)
{
    private const int TagBatch = 1024;

    public async Task RunAsync(IReadOnlyList<(StorageGroup Group, string Mailbox)> users, CancellationToken cancellationToken)
    {
        foreach ((StorageGroup group, string mailbox) in users)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                ArchiveTask? task = await SeekAsync(group, mailbox, cancellationToken).ConfigureAwait(false);
                if (task is not null && !dryRun) await queue.WriteAsync(task, cancellationToken).ConfigureAwait(false);
            }
            catch (MessageStoreException error)
            {
                receipts.Fail(mailbox, 0, error.Message);
            }
        }
    }

    private async Task<ArchiveTask?> SeekAsync(StorageGroup group, string mailbox, CancellationToken cancellationToken)
    {
        if (!group.TryFindMailbox(mailbox, out int number) || rules.For(mailbox) is not { } criteria) return null; // removed since the list was made
        bool[] folders = criteria.MatchingFolders(group.FolderNames(number));
        long matched = 0, bytes = 0;
        var tags = new List<Guid>();
        foreach (IndexEntry entry in group.List(number))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry.IsArchived) continue;
            // What an interrupted run has tagged is finished first, whatever this run's criteria are.
            if (!entry.IsTagged && !criteria.Matches(entry, folders)) continue;
            matched++;
            bytes += entry.Length;
            if (entry.IsTagged || dryRun) continue;
            tags.Add(entry.Id.ToGuid());
            if (tags.Count == TagBatch) await TagAsync(group, tags).ConfigureAwait(false);
        }
        if (tags.Count > 0) await TagAsync(group, tags).ConfigureAwait(false);
        if (matched == 0) return null;
        receipts.Matched(mailbox, matched, dryRun ? bytes : 0);
        return new ArchiveTask(group, mailbox, number, matched, criteria.RetainFor);
    }

    private static async Task TagAsync(StorageGroup group, List<Guid> ids)
    {
        await group.CommitAsync(Transaction.Tagged(true, ids, group.Identity.Salt)).ConfigureAwait(false);
        ids.Clear();
    }
}
