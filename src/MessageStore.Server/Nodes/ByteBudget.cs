namespace MessageStore.Server.Nodes;

/// <summary>A number of bytes that many requests share: who asks for more than is left waits, in order. Thread-safe.</summary>
internal sealed class ByteBudget
{
    private readonly long total;
    private readonly Lock gate = new();
    private readonly Queue<(long Bytes, TaskCompletionSource Turn)> waiting = [];
    private long left;

    /// <param name="total">The bytes; one request that is larger gets all of them.</param>
    public ByteBudget(long total) => left = this.total = total;

    /// <summary>Waits for a share.</summary>
    /// <returns>Gives it back when disposed.</returns>
    public async ValueTask<IDisposable> TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        bytes = Math.Min(bytes, total);
        TaskCompletionSource? turn = null;
        lock (gate)
        {
            if (waiting.Count == 0 && left >= bytes) left -= bytes;
            else waiting.Enqueue((bytes, turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }
        if (turn is null) return new Share(this, bytes);
        await using CancellationTokenRegistration registration = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
        await turn.Task.ConfigureAwait(false);
        return new Share(this, bytes);
    }

    private void GiveBack(long bytes)
    {
        lock (gate)
        {
            left += bytes;
            while (waiting.TryPeek(out (long Bytes, TaskCompletionSource Turn) next) && left >= next.Bytes)
            {
                waiting.Dequeue();
                if (next.Turn.TrySetResult()) left -= next.Bytes; // who gave up takes none
            }
        }
    }

    private sealed class Share(ByteBudget budget, long bytes) : IDisposable
    {
        private int disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) == 0) budget.GiveBack(bytes);
        }
    }
}
