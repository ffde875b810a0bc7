using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.IO;

public sealed class AtomicFileTests
{
    private static readonly string Path = System.IO.Path.GetFullPath("/disk/settings.json");

    [Fact]
    public void What_was_written_survives_a_crash()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            MemoryStorage storage = Fresh();
            AtomicFile.Write(storage, Path, "new content"u8);
            Assert.Equal("new content"u8.ToArray(), AtomicFile.Read(storage.Crash(new Random(seed)), Path, 100));
        }
    }

    [Fact]
    public void A_failure_at_any_step_followed_by_a_crash_leaves_the_old_or_the_new()
    {
        byte[] old = new byte[2000];
        byte[] fresh = [.. Enumerable.Repeat((byte)7, 3000)];
        for (int step = 1; ; step++)
        {
            bool failed = false;
            for (int seed = 0; seed < 40; seed++)
            {
                MemoryStorage storage = Fresh();
                AtomicFile.Write(storage, Path, old);
                storage.FailAt(step, new IOException("injected"));
                try
                {
                    AtomicFile.Write(storage, Path, fresh);
                }
                catch (IOException)
                {
                    failed = true;
                }
                byte[] now = AtomicFile.Read(storage.Crash(new Random(seed)), Path, 10_000);
                if (!failed) Assert.Equal(fresh, now);
                else Assert.True(now.AsSpan().SequenceEqual(old) || now.AsSpan().SequenceEqual(fresh));
            }
            if (!failed) break;
        }
    }

    [Fact]
    public void A_failed_write_leaves_no_temporary_file()
    {
        MemoryStorage storage = Fresh();
        storage.FailAt(1, new IOException("injected"), StorageOperations.Flush);
        Assert.Throws<IOException>(() => AtomicFile.Write(storage, Path, "x"u8));
        Assert.Empty(storage.ListFiles(System.IO.Path.GetDirectoryName(Path)!));
    }

    [Fact]
    public void A_file_longer_than_makes_sense_is_refused()
    {
        MemoryStorage storage = Fresh();
        AtomicFile.Write(storage, Path, new byte[11]);
        Assert.Throws<InvalidDataException>(() => AtomicFile.Read(storage, Path, 10));
    }

    private static MemoryStorage Fresh()
    {
        var storage = new MemoryStorage();
        storage.Put(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, "other"), []);
        storage.DeleteFile(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, "other"));
        storage.FlushFolder(System.IO.Path.GetDirectoryName(Path)!);
        return storage;
    }
}
