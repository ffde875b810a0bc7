namespace MessageStore.Replication;

/// <summary>
/// One way to a unit, or through a chain of them: what many callers send at the same time shares requests. Thread-safe.
/// </summary>
/// <param name="node">The first node of the way.</param>
/// <param name="hops">The way.</param>
/// <param name="database">Whose records they are.</param>
/// <param name="requestsInFlight">Requests under way at a time.</param>
internal sealed class AppendLane(IStorageNode node, IReadOnlyList<Hop> hops, Guid database, int requestsInFlight)
{
    private const int SharedBytes = 1 << 20;

    /// <summary>
    /// Bytes that are worth a request of their own while another is under way: 256 KiB. What a request costs hardly depends on its size, so a few small records do better to wait for its
    /// answer and share the next; large ones are on their way while the unit flushes what came before.
    /// </summary>
    private const int WorthItsOwn = 256 << 10;

    private readonly Lock gate = new();
    private readonly Queue<Pending> waiting = [];
    private long waitingBytes;
    private int inFlight;

    /// <summary>Sends records.</summary>
    /// <returns>An answer for each hop; a node that could not be reached is an error in them.</returns>
    public Task<IReadOnlyList<HopAnswer>> SendAsync(IReadOnlyList<SentRecord> records)
    {
        var pending = new Pending(records);
        List<Pending>? now;
        lock (gate)
        {
            waiting.Enqueue(pending);
            waitingBytes += pending.Bytes;
            now = Take();
        }
        if (now is not null) _ = RunAsync(now);
        return pending.Done.Task;
    }

    /// <summary>What the next request carries, where one may go. Called under the lock.</summary>
    private List<Pending>? Take()
    {
        if (waiting.Count == 0 || inFlight >= requestsInFlight || inFlight > 0 && waitingBytes < WorthItsOwn) return null;
        inFlight++;
        var taken = new List<Pending>();
        long bytes = 0;
        int records = 0;
        while (waiting.TryPeek(out Pending? next)
            && (taken.Count == 0 || (bytes + next.Bytes <= SharedBytes && records + next.Records.Count <= AppendRequest.RecordCountLimit)))
        {
            taken.Add(waiting.Dequeue());
            bytes += next.Bytes;
            records += next.Records.Count;
        }
        waitingBytes -= bytes;
        return taken;
    }

    private async Task RunAsync(List<Pending>? taken)
    {
        while (taken is not null)
        {
            IReadOnlyList<SentRecord> records = taken.Count == 1 ? taken[0].Records : [.. taken.SelectMany(p => p.Records)];
            IReadOnlyList<HopAnswer> answers;
            try
            {
                answers = await node.AppendAsync(new AppendRequest(hops, records) { Database = database }).ConfigureAwait(false);
            }
            catch (MessageStoreException error)
            {
                answers = [.. hops.Select(h => new HopAnswer(h.Unit, [], error))];
            }
            catch (Exception error)
            {
                foreach (Pending pending in taken) pending.Done.TrySetException(error);
                answers = [];
            }
            int start = 0;
            foreach (Pending pending in taken)
            {
                if (answers.Count > 0) pending.Done.TrySetResult(taken.Count == 1 ? answers : Slice(answers, start, pending.Records.Count));
                start += pending.Records.Count;
            }
            lock (gate)
            {
                inFlight--;
                taken = Take();
            }
        }
    }

    private static IReadOnlyList<HopAnswer> Slice(IReadOnlyList<HopAnswer> answers, int start, int count) =>
        [.. answers.Select(a => a.IsAcknowledged ? a with { Places = [.. a.Places.Skip(start).Take(count)] } : a)];

    private sealed class Pending(IReadOnlyList<SentRecord> records)
    {
        public IReadOnlyList<SentRecord> Records => records;

        public long Bytes { get; } = records.Sum(r => (long)r.Bytes.Length);

        public TaskCompletionSource<IReadOnlyList<HopAnswer>> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
