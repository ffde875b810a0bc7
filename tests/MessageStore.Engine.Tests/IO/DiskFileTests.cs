using MessageStore.IO;
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
}
