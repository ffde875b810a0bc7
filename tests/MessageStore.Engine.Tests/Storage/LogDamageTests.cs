using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>A log cut at every byte and flipped at every byte, with and without a witness, below a checkpoint and above.</summary>
public sealed class LogDamageTests : RecoveryBed
{
    [Fact]
    public void A_log_cut_at_any_byte_gives_a_prefix()
    {
        TestGroup.Create(Storage);
        using (StorageGroup group = TestGroup.Open(Storage))
            for (int round = 0; round < 3; round++) Assert.Null(Workload.Round(group, 3));
        string log = LogFiles.List(Storage, TestGroup.Log())[^1].Path;
        byte[] content = Storage.Content(log);
        int last = Workload.Acknowledged.Count;
        for (int length = content.Length; length >= 0; length--)
        {
            MemoryStorage cut = Storage.Fork(new Random(1));
            cut.Put(log, content.AsSpan(0, length));
            using StorageGroup group = TestGroup.Open(cut);
            int lsn = (int)group.LastLsn;
            Assert.InRange(lsn, 0, last);
            last = lsn;
            TestGroup.Verify(group, Workload.ModelAt(lsn));
        }
        Assert.Equal(0, last);
    }

    /// <summary>Damage to what later frames vouch for is refused; only the last group commit, where nothing vouches for it yet, may look like a torn tail.</summary>
    [Fact]
    public void A_flip_of_any_byte_of_a_log_never_silently_loses_what_later_frames_prove()
    {
        TestGroup.Create(Storage);
        int provenLsn = 0;
        MemoryStorage killed;
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            for (int round = 0; round < 4; round++)
            {
                provenLsn = Workload.Acknowledged.Count;
                Assert.Null(Workload.Round(group, 3));
            }
            killed = Storage.Kill();
        }
        (int length, int refused, int shorter) = FlipEach(killed, provenLsn);
        Assert.True(refused > length / 4, $"only {refused} of {length} flips were refused");
        Assert.True(shorter > 0, "the limit that docs/fault-model.md states is gone: say so there");
    }

    /// <summary>When the log was at rest, or was closed, the last group commit has a witness too.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flip_of_any_byte_of_a_log_with_a_witness_never_loses_anything_silently(bool closed)
    {
        TestGroup.Create(Storage);
        MemoryStorage killed;
        using (StorageGroup group = TestGroup.Open(Storage))
        {
            for (int round = 0; round < 3; round++) Assert.Null(Workload.Round(group, 3));
            if (closed) group.Dispose();
            else await group.WitnessAsync();
            killed = closed ? Storage : Storage.Crash(new Random(1));
        }
        (int length, int refused, int shorter) = FlipEach(killed, Workload.Acknowledged.Count);
        Assert.Equal(0, shorter);
        Assert.True(refused > length / 4, $"only {refused} of {length} flips were refused");
    }

    [Fact]
    public void A_log_at_rest_gets_its_witness_by_itself()
    {
        TestGroup.Create(Storage);
        using StorageGroup group = TestGroup.Open(Storage, options: TestGroup.Small with { WitnessAfter = TimeSpan.FromMilliseconds(1) });
        Assert.Null(Workload.Round(group, 3));
        string log = LogFiles.List(Storage, TestGroup.Log())[^1].Path;
        bool HasWitness()
        {
            using IStorageFile file = Storage.Open(log, FileAccessKind.Read);
            for (long at = 0; FrameScanner.FindNext(file, TestGroup.Salt, at) is { } next; at = next.Offset + FrameHeader.Alignment)
                if (next.Header.Type == (byte)TransactionType.Vouch && next.Header.Lsn == group.LastLsn) return true;
            return false;
        }
        Assert.True(SpinWait.SpinUntil(HasWitness, TimeSpan.FromMinutes(5)), "no witness in five minutes");
        Assert.Null(Workload.Round(group, 3)); // takes its place
        Assert.Equal(Workload.Acknowledged.Count, Workload.Check(group));
    }

    [Fact]
    public void Damage_to_what_the_checkpoint_holds_is_passed_over_and_said()
    {
        Fill(rounds: 4, checkpoints: 1, then: 3);
        LogFile log = LogFiles.List(Storage, TestGroup.Log())[0];
        ulong checkpoint = IndexSnapshot.List(Storage, TestGroup.Store())[0].Lsn;
        int passed = 0, refused = 0;
        foreach ((long offset, FrameHeader frame) in Frames(log.Path).Where(f => f.Header.Type != (byte)FileFrameType.LogHeader))
        {
            for (int at = 0; at < frame.Length; at += 61)
            {
                MemoryStorage flipped = Storage.Fork(new Random(1));
                flipped.Corrupt(log.Path, offset + at, 0x10);
                try
                {
                    using StorageGroup group = TestGroup.Open(flipped);
                    Workload.Check(group);
                    Assert.Equal(Workload.Acknowledged.Count, (int)group.LastLsn);
                    if (group.GetStatus().Warning.Contains(log.Path, StringComparison.Ordinal)) passed++;
                    Assert.Null(new Workload(2).Round(group));
                }
                catch (MessageStoreException error) when (error.ErrorId == ErrorIds.LogDamaged)
                {
                    Assert.True(frame.Lsn > checkpoint, $"Damage to transaction {frame.Lsn}, which the checkpoint of {checkpoint} holds, was refused.");
                    refused++;
                }
            }
        }
        Assert.True(passed > 10, $"only {passed} flips were passed over");
        Assert.True(refused > 10, $"only {refused} flips were refused");
    }

    /// <summary>Flips a bit of each byte of the newest log file in turn, and opens: what is proven is there, or the group is refused.</summary>
    private (int Length, int Refused, int Shorter) FlipEach(MemoryStorage disk, int proven)
    {
        string log = LogFiles.List(disk, TestGroup.Log())[^1].Path;
        int length = disk.Content(log).Length, refused = 0, shorter = 0;
        for (int at = 0; at < length; at++)
        {
            MemoryStorage flipped = disk.Fork(new Random(1));
            flipped.Corrupt(log, at, (byte)(1 << (at % 8)));
            StorageGroup group;
            try
            {
                group = TestGroup.Open(flipped);
            }
            catch (MessageStoreException error) when (error.ErrorId is ErrorIds.LogDamaged or ErrorIds.DatabaseFormatTooNew)
            {
                refused++;
                continue;
            }
            using (group)
            {
                Assert.Null(group.ClosedForWriting);
                Assert.InRange((int)group.LastLsn, proven, Workload.Acknowledged.Count);
                if ((int)group.LastLsn < Workload.Acknowledged.Count) shorter++;
                TestGroup.Verify(group, Workload.ModelAt((int)group.LastLsn));
            }
        }
        return (length, refused, shorter);
    }

    private List<(long Offset, FrameHeader Header)> Frames(string path)
    {
        var frames = new List<(long, FrameHeader)>();
        using IStorageFile file = Storage.Open(path, FileAccessKind.Read);
        for (long at = 0; FrameScanner.FindNext(file, TestGroup.Salt, at) is { } next; at = next.Offset + next.Header.Length) frames.Add(next);
        return frames;
    }
}
