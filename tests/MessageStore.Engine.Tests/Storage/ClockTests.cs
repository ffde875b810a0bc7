using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>A clock that stands, jumps ahead and jumps back (docs/fault-model.md, row 19).</summary>
public sealed class ClockTests
{
    private readonly MemoryStorage storage = new();
    private readonly Workload workload = new(5);
    private readonly GroupOptions options = TestGroup.Small with { Clock = new JumpingClock(5) };

    [Fact]
    public void Commit_times_never_go_back_not_even_across_openings()
    {
        Live();
        long[] times = [.. Frames().Select(f => f.TimeTicks)];
        Assert.Equal(workload.Acknowledged.Count, times.Length);
        Assert.Equal(times.Order(), times);
        Assert.True(times.Distinct().Count() > 20, "the clock stood still");
    }

    [Fact]
    public void A_moment_is_one_place_in_the_log_although_the_clock_was_there_twice()
    {
        Live();
        List<FrameHeader> frames = Frames();
        foreach (FrameHeader frame in frames.Where((_, i) => i % 7 == 0))
        {
            int upTo = frames.Count(f => f.TimeTicks <= frame.TimeTicks);
            using StorageGroup group = StorageGroup.Open(storage.Fork(new Random(1)), TestGroup.Identity, options, TestGroup.Store(), TestGroup.Log(), ReplayLimit.None with { TimeTicks = frame.TimeTicks });
            Assert.Equal(upTo, (int)group.LastLsn);
            TestGroup.Verify(group, workload.ModelAt(upTo));
        }
    }

    private void Live()
    {
        TestGroup.Create(storage, options: options);
        for (int life = 0; life < 3; life++)
        {
            using StorageGroup group = TestGroup.Open(storage, options: options);
            for (int round = 0; round < 15; round++) Assert.Null(workload.Round(group));
        }
    }

    /// <summary>All transactions in the logs, by their numbers.</summary>
    private List<FrameHeader> Frames()
    {
        var frames = new List<FrameHeader>();
        foreach (LogFile log in LogFiles.List(storage, TestGroup.Log()))
        {
            using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
            Assert.NotNull(GroupFileHeader.Read(file, out int headerLength));
            using var reader = new FrameReader(file, TestGroup.Salt, headerLength, log.FirstLsn);
            while (reader.TryRead(out FrameHeader header, out _)) frames.Add(header);
        }
        return frames;
    }
}
