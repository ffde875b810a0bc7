namespace MessageStore.Replication;

/// <summary>Work that goes on side by side, bounded by its number and by the bytes that it holds. One caller begins it; the work itself runs wherever it goes on.</summary>
/// <param name="count">Pieces under way at a time, at least 1.</param>
/// <param name="bytes">Bytes that they hold together; a piece that holds more goes alone.</param>
internal sealed class WorkInFlight(int count, long bytes)
{
    private readonly List<(Task Task, long Bytes)> running = [];
    private long held;

    /// <summary>Begins a piece as soon as there is room for it. A piece that can be done without waiting is done on return.</summary>
    /// <exception cref="Exception">What an earlier piece failed with: then no more are begun.</exception>
    public async ValueTask BeginAsync(Func<Task> piece, long size)
    {
        while (running.Count > 0 && (running.Count >= count || held + size > bytes)) await EndOneAsync().ConfigureAwait(false);
        Task task = piece();
        if (task.IsCompletedSuccessfully) return;
        running.Add((task, size));
        held += size;
    }

    /// <summary>Returns when all pieces have ended.</summary>
    /// <exception cref="Exception">What the first of them failed with.</exception>
    public async ValueTask EndAsync()
    {
        try
        {
            while (running.Count > 0) await EndOneAsync().ConfigureAwait(false);
        }
        finally
        {
            // After an error the others are waited for as well: nothing goes on behind the caller's back.
            await Task.WhenAll(running.Select(r => r.Task)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            running.Clear();
            held = 0;
        }
    }

    private async ValueTask EndOneAsync()
    {
        Task ended = await Task.WhenAny(running.Select(r => r.Task)).ConfigureAwait(false);
        int index = running.FindIndex(r => r.Task == ended);
        held -= running[index].Bytes;
        running.RemoveAt(index);
        await ended.ConfigureAwait(false);
    }
}
