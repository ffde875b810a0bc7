namespace MessageStore.Tests.Support;

/// <summary>
/// Watches a storage and tries a loss of power before each change: the disk is forked as the crash would leave it, several times by several chances, and each
/// fork is given to <c>recover</c>, which brings it back to life and checks it.
/// </summary>
/// <remarks>
/// At every seventeenth point the power fails again before each operation of the recovery, until <c>recover</c> sets the survivor's
/// <see cref="MemoryStorage.BeforeChange"/> to <see langword="null"/>.
/// </remarks>
internal sealed class CrashSweep
{
    private const int NestedEvery = 17;

    private readonly MemoryStorage storage;
    private readonly int seed;
    private readonly int survivors;
    private readonly Action<MemoryStorage> recover;
    private int operation;

    public CrashSweep(MemoryStorage storage, int seed, int survivors, Action<MemoryStorage> recover)
    {
        this.storage = storage;
        this.seed = seed;
        this.survivors = survivors;
        this.recover = recover;
        storage.BeforeChange = Try;
    }

    public int Points { get; private set; }

    public InvariantException? Failure { get; private set; }

    /// <summary>Ends the watch.</summary>
    /// <returns>How many crashes were tried.</returns>
    /// <exception cref="InvariantException">One of them broke a promise.</exception>
    public int End()
    {
        storage.BeforeChange = null;
        return Failure is null ? Points : throw Failure;
    }

    /// <summary>Runs on the engine's own threads, where an exception would be taken for the disk's: it is kept instead.</summary>
    private void Try(StorageOperations kind)
    {
        operation++;
        for (int chance = 0; chance < survivors && Failure is null; chance++)
        {
            int point = operation * survivors + chance;
            if (Sweeps.OnePoint is { } one && one != point) continue;
            MemoryStorage survivor = storage.Fork(new Random(seed * 1_000_003 + point));
            if (point % NestedEvery == 0) CrashAgain(survivor, kind, point);
            Recover(survivor, kind, point);
        }
    }

    private void CrashAgain(MemoryStorage survivor, StorageOperations kind, int point)
    {
        int at = 0;
        survivor.BeforeChange = _ =>
        {
            if (Failure is null) Recover(survivor.Fork(new Random(seed + ++at)), kind, point);
        };
    }

    private void Recover(MemoryStorage survivor, StorageOperations kind, int point)
    {
        Points++;
        try
        {
            recover(survivor);
        }
        catch (Exception error)
        {
            Failure ??= new InvariantException($"After a crash before operation {operation} ({kind}): {error.Message}", error) { Point = point };
        }
    }
}
