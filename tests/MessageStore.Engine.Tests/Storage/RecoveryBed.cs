using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>A group on a disk in memory that has lived a while, to be damaged and opened again.</summary>
public abstract class RecoveryBed
{
    private protected MemoryStorage Storage { get; } = new();

    private protected Workload Workload { get; } = new(1);

    private protected void Fill(int rounds, int checkpoints = 0, int then = -1)
    {
        TestGroup.Create(Storage);
        using StorageGroup group = TestGroup.Open(Storage);
        for (int round = 0; round < rounds; round++) Assert.Null(Workload.Round(group));
        for (int checkpoint = 0; checkpoint < checkpoints; checkpoint++)
        {
            group.Checkpoint(default);
            if (checkpoint + 1 < checkpoints)
                for (int round = 0; round < rounds; round++) Assert.Null(Workload.Round(group));
        }
        for (int round = 0; round < then; round++) Assert.Null(Workload.Round(group));
    }

    private protected MessageStoreException Refused(string errorId, string named = "", MemoryStorage? at = null)
    {
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => TestGroup.Open(at ?? Storage));
        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        return error;
    }
}
