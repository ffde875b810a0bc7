using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>Watches a storage and tries a crash before each change.</summary>
internal sealed class CrashSweep
{
    private readonly GroupOptions options;
    private readonly Workload workload;
    private readonly int seed;
    private readonly int survivors;
    private int operation;

    public CrashSweep(MemoryStorage storage, GroupOptions options, Workload workload, int seed, int survivors)
    {
        this.options = options;
        this.workload = workload;
        this.seed = seed;
        this.survivors = survivors;
        storage.BeforeChange = kind => Try(storage, kind);
    }

    public int Points { get; private set; }

    public InvariantException? Failure { get; private set; }

    public void ThrowIfFailed()
    {
        if (Failure is not null) throw Failure;
    }

    /// <summary>Runs on the engine's own threads, where an exception would be taken for the disk's: it is kept instead.</summary>
    private void Try(MemoryStorage storage, Support.StorageOperations kind)
    {
        operation++;
        for (int chance = 0; chance < survivors && Failure is null; chance++)
        {
            int point = operation * survivors + chance;
            if (Sweeps.OnePoint is { } one && one != point) continue;
            Points++;
            try
            {
                Recover(storage.Fork(new Random(seed * 1_000_003 + point)), nested: point % 17 == 0);
            }
            catch (Exception error)
            {
                Failure = new InvariantException($"crash before operation {operation} ({kind}), MESSAGESTORE_SEED={seed} MESSAGESTORE_POINT={point}: {error.Message}", error);
            }
        }
    }

    private void Recover(MemoryStorage survivor, bool nested)
    {
        if (nested)
        {
            // The power fails again while the first crash is being recovered from.
            int at = 0;
            survivor.BeforeChange = _ =>
            {
                Points++;
                at++;
                MemoryStorage again = survivor.Fork(new Random(seed + at));
                using StorageGroup second = TestGroup.Open(again, options: options);
                workload.Check(second);
            };
        }
        int lsn;
        using (StorageGroup first = TestGroup.Open(survivor, options: options))
        {
            if (first.ClosedForWriting is { } closed) throw closed;
            lsn = workload.Check(first);
        }
        survivor.BeforeChange = null;
        using StorageGroup reopened = TestGroup.Open(survivor, options: options);
        if (workload.Check(reopened) != lsn) throw new InvariantException("A second opening found something else than the first.");
    }
}
