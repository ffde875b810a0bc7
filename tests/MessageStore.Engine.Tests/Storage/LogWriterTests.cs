using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>The bytes of a log on disks of every kind: past the system's cache, where that is there, and in memory.</summary>
public sealed class LogWriterTests : IDisposable
{
    private const string MemoryFolder = "/dev/shm";
    private const int WitnessLength = 48;

    private readonly TemporaryFolder folder = new();
    private readonly Random random = new(1);
    private readonly List<byte> expected = [];
    private ulong lsn = 1;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_log_on_a_simulated_disk_holds_what_was_written() => Run(new MemoryStorage(), "/log");

    [Fact]
    public void A_log_on_the_disk_holds_what_was_written_also_for_those_who_read_it_meanwhile() => Run(DiskStorage.Instance, folder.Path);

    [Fact]
    public void A_log_in_memory_holds_what_was_written_also_for_those_who_read_it_meanwhile()
    {
        if (!Directory.Exists(MemoryFolder)) return;
        string here = Path.Combine(MemoryFolder, Path.GetFileName(folder.Path));
        try
        {
            Run(DiskStorage.Instance, here);
        }
        finally
        {
            Directory.Delete(here, recursive: true);
        }
    }

    /// <summary>Files begun, gone on with, cut back and used again; what they hold is compared after each flush.</summary>
    private void Run(IStorage storage, string path)
    {
        storage.CreateFolder(path);
        var spares = new SpareLogs(storage, path);
        for (int round = 0; round < 6; round++)
        {
            using (var log = new LogWriter(storage, path, TestGroup.Identity, spares: spares))
            {
                for (int file = 0; file < 3; file++)
                {
                    log.Rotate(GroupFileKind.Log, lsn, 1);
                    Begin(storage, log);
                    Fill(storage, log);
                    spares.Retire(lsn - 1, lsn, shortest: 0, budget: long.MaxValue);
                    lsn += 10;
                }
                log.Rotate(GroupFileKind.Log, lsn, 1);
                Begin(storage, log);
                Fill(storage, log);
                Witness(storage, log);
            }
            LogFile last = LogFiles.List(storage, path)[^1];
            Assert.Equal(expected, Content(storage, last.Path)); // nothing behind the witness
            expected.RemoveRange(expected.Count - WitnessLength, WitnessLength);
            using (var log = new LogWriter(storage, path, TestGroup.Identity, spares: spares))
            {
                log.Resume(last, expected.Count, expected.Count / 2);
                Fill(storage, log);
            }
            Assert.Equal(expected, Content(storage, last.Path));
            storage.DeleteFile(last.Path);
            spares.Clear();
            lsn += 10;
        }
        Assert.True(spares.Taken > 0);
    }

    private void Begin(IStorage storage, LogWriter log)
    {
        expected.Clear();
        expected.AddRange(Content(storage, log.Path).AsSpan(0, (int)log.Tail));
    }

    private void Fill(IStorage storage, LogWriter log)
    {
        using IStorageFile reader = storage.Open(log.Path, FileAccessKind.Read);
        using var stop = new CancellationTokenSource();
        byte[] before = [.. expected];
        // Whoever copies a log reads what is durable, again and again, while its last block is written over.
        Task<bool> reading = Task.Run(() =>
        {
            bool same = true;
            byte[] read = new byte[before.Length];
            while (same && !stop.IsCancellationRequested) same = reader.ReadFully(read, 0) == read.Length && read.AsSpan().SequenceEqual(before);
            return same;
        });
        for (int i = 0; i < 30; i++)
        {
            int length = Length(i) & -8;
            byte[] frames = new byte[length];
            random.NextBytes(frames);
            frames.CopyTo(log.Frames(length));
            log.Write(length);
            if (i % 11 == 5)
            {
                log.CutBack();
                Assert.Equal(expected, Content(storage, log.Path));
                continue;
            }
            log.Flush(length);
            expected.AddRange(frames);
            Assert.Equal(expected.Count, log.Tail);
            byte[] content = Content(storage, log.Path);
            Assert.True(content.AsSpan(0, expected.Count).SequenceEqual(expected.ToArray()), $"round {i}");
            int block = (int)Math.Min(LogBuffer.RoundUp(expected.Count), content.Length);
            Assert.False(content.AsSpan(expected.Count, block - expected.Count).ContainsAnyExcept((byte)0));
            if (i % 7 == 3) Witness(storage, log, stays: false);
        }
        stop.Cancel();
        Assert.True(reading.GetAwaiter().GetResult());
    }

    /// <summary>Odd ones across the bounds of blocks, from one small frame to more than the buffer holds.</summary>
    private int Length(int number) => number switch
    {
        7 => (600 << 10) + 8,
        8 => (int)(-expected.Count & (LogBuffer.BlockSize - 1)), // to the end of the block
        9 => 2 * LogBuffer.BlockSize,
        20 => 130 << 10,
        _ => random.Next(8, number % 3 == 0 ? 20_000 : 600),
    } is var length and > 0 ? length : 8;

    private void Witness(IStorage storage, LogWriter log, bool stays = true)
    {
        byte[] frame = new byte[WitnessLength];
        random.NextBytes(frame);
        frame.CopyTo(log.Frames(WitnessLength));
        log.WriteWitness(WitnessLength);
        log.FlushWitness();
        Assert.True(Content(storage, log.Path).AsSpan(0, expected.Count + WitnessLength).SequenceEqual([.. expected, .. frame]));
        if (stays) expected.AddRange(frame);
    }

    private static byte[] Content(IStorage storage, string path)
    {
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        byte[] content = new byte[file.Length];
        Assert.Equal(content.Length, file.ReadFully(content, 0));
        return content;
    }
}
