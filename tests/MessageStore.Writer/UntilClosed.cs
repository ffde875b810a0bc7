using System.Diagnostics;
using System.Security.Cryptography;

namespace MessageStore.Writer;

/// <summary>Writes until a group closes for writing, notes how each of its writers hears of it, and reads back what was acknowledged.</summary>
internal sealed class UntilClosed(IMessageStore store, AckJournal journal)
{
    private readonly Stopwatch sinceFirst = new();

    public async Task RunAsync(IReadOnlyList<MailboxWriter> writers, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<bool>> running = [.. writers.Select(w => Task.Run(() => WriteAsync(w, stop.Token), CancellationToken.None))];
        var refused = new List<MailboxWriter>();
        await Task.WhenAny(running).ConfigureAwait(false);
        // All writers of the group that closed have one operation under way at most: far more time than they need to hear of it.
        await Task.Delay(TimeSpan.FromMilliseconds(500), CancellationToken.None).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        bool[] closed = await Task.WhenAll(running).ConfigureAwait(false);
        for (int w = 0; w < closed.Length; w++)
            if (closed[w]) refused.Add(writers[w]);

        int read = 0;
        foreach (MailboxWriter writer in writers)
        {
            foreach ((Guid id, string sha256) in writer.Stored)
            {
                await using Stream body = await store.OpenReadAsync(id, CancellationToken.None).ConfigureAwait(false);
                if (Convert.ToHexStringLower(await SHA256.HashDataAsync(body, CancellationToken.None).ConfigureAwait(false)) != sha256)
                    throw new InvalidOperationException($"{id} reads back differently.");
                read++;
            }
        }
        journal.Write('V', read, refused.Count);
        DatabaseStatus status = await store.GetStatusAsync(CancellationToken.None).ConfigureAwait(false);
        foreach (StorageGroupStatus group in status.StorageGroups) journal.Write('S', group.Name, group.State);
    }

    private async Task<bool> WriteAsync(MailboxWriter writer, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await writer.StepAsync().ConfigureAwait(false);
            }
            catch (MessageStoreException error)
            {
                lock (sinceFirst) sinceFirst.Start();
                journal.Write('E', writer.Mailbox, error.ErrorId, sinceFirst.ElapsedMilliseconds);
                // Once more: a closed group must say so at once, every time.
                try
                {
                    await writer.StepAsync().ConfigureAwait(false);
                    continue;
                }
                catch (MessageStoreException again)
                {
                    journal.Write('E', writer.Mailbox, again.ErrorId, sinceFirst.ElapsedMilliseconds);
                    return true;
                }
            }
        }
        return false;
    }
}
