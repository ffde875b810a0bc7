using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.IO;

public sealed class DiskFileTests
{
    [Fact]
    public void A_flush_of_a_file_that_was_deleted_is_an_error_and_one_that_was_renamed_is_as_good_as_ever()
    {
        if (!OperatingSystem.IsLinux()) return; // elsewhere nobody tells
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "file"), other = Path.Combine(folder.Path, "other");
        using IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.CreateNew);
        file.Write([1, 2, 3], 0);
        File.Move(path, other);
        file.Write([4], 3);
        file.Flush();
        File.Delete(other);
        file.Write([5], 4);
        var error = Assert.Throws<DeletedFileException>(file.Flush);
        Assert.Contains($"{path} was deleted", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_flush_finds_it_out_too()
    {
        if (!OperatingSystem.IsLinux()) return; // elsewhere nobody tells
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "file");
        File.WriteAllBytes(path, [1, 2, 3]);
        using IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.ReadWrite);
        File.Delete(path);
        Assert.Throws<DeletedFileException>(file.Flush);
    }

    [Fact]
    public void What_is_written_past_the_cache_is_what_others_read()
    {
        using var folder = new TemporaryFolder();
        using IStorageFile file = DiskStorage.Instance.Open(folder["file"], FileAccessKind.CreateNew), reader = DiskStorage.Instance.Open(folder["file"], FileAccessKind.Read);
        file.Write([1, 2, 3], 0);
        file.BypassCache();
        Memory<byte> blocks = LogBuffer.Allocate(256 * LogBuffer.BlockSize);
        byte[] read = new byte[blocks.Length];
        for (byte round = 1; round < 20; round++)
        {
            blocks.Span.Fill(round);
            file.Write(blocks.Span, 0);
            Assert.Equal(read.Length, reader.ReadFully(read, 0));
            Assert.False(read.AsSpan().ContainsAnyExcept(round));
        }
        file.Flush();
        Assert.Equal(blocks.Length, reader.Length);
    }

    [Fact]
    public void A_file_that_passes_the_cache_by_takes_and_gives_bytes_at_any_place_too()
    {
        using var folder = new TemporaryFolder();
        using IStorageFile file = DiskStorage.Instance.Open(folder["file"], FileAccessKind.CreateNew);
        file.BypassCache();
        file.Write(LogBuffer.Allocate(2 * LogBuffer.BlockSize).Span, 0);
        file.Write([1, 2, 3], 4095);
        byte[] read = new byte[5];
        Assert.Equal(5, file.ReadFully(read, 4094));
        Assert.Equal([0, 1, 2, 3, 0], read);
        file.BypassCache();
        Assert.Equal(5, file.ReadFully(read, 4094));
        Assert.Equal([0, 1, 2, 3, 0], read);
        file.SetLength(4097);
        file.Flush();
        Assert.Equal([.. new byte[4095], 1, 2], File.ReadAllBytes(folder["file"]));
    }
}
