using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// Makes an archive run yield to users, as a backup does: all archivers together take as many bytes as users' commits bear, and while users are there, what goes to the disks goes in small
/// pieces, one after the other. Thread-safe.
/// </summary>
internal sealed class ArchivePace : IDisposable
{
    /// <summary>Bytes a second below which a run never goes: it has many more flushes for them than a backup.</summary>
    private const double SlowestRate = 8 << 20;

    /// <summary>What part of a batch is appended at once while users are there: of 4 MiB what takes a disk a fraction of a millisecond.</summary>
    private const int SmallPart = 16;

    /// <summary>What a message costs beside its bytes, in bytes: its lookups, its key, its transactions.</summary>
    private const int MessageCost = 4 << 10;

    private readonly MaintenancePace pace;
    private readonly Lock gate = new();
    private readonly SemaphoreSlim turns = new(1);
    private readonly bool yields;

    public ArchivePace(IReadOnlyList<StorageGroup> groups, ArchivePriority priority, TimeProvider clock)
    {
        yields = priority == ArchivePriority.Users;
        pace = new MaintenancePace(groups, yields, clock, SlowestRate);
    }

    /// <summary>How often the run slowed down.</summary>
    public int Yields => pace.Yields;

    /// <summary>How long it stood still in all; archivers that waited together count once.</summary>
    public TimeSpan YieldDuration => pace.YieldDuration;

    /// <summary>How many bytes one append is to carry.</summary>
    /// <param name="best">As many as serve the target best.</param>
    public int BatchBytes(int best) => pace.IsHeldBack ? best / SmallPart : best;

    /// <summary>Called before records are appended; waits for as long as users need.</summary>
    public void Wait(long bytes, int records, CancellationToken cancellationToken)
    {
        if (!yields) return;
        lock (gate) pace.Wait((int)Math.Min(int.MaxValue, bytes + (long)records * MessageCost), cancellationToken);
    }

    /// <summary>Waits, while users are there, until no other archiver writes.</summary>
    /// <returns>To be disposed when the writing is done.</returns>
    public async ValueTask<Turn> TakeTurnAsync(CancellationToken cancellationToken)
    {
        if (!pace.IsHeldBack) return default;
        await turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(turns);
    }

    public void Dispose()
    {
        pace.Dispose();
        turns.Dispose();
    }

    /// <summary>The right to write.</summary>
    internal readonly struct Turn(SemaphoreSlim? turns) : IDisposable
    {
        public void Dispose() => turns?.Release();
    }
}
