using MessageStore.IO;

namespace MessageStore.Tests.Support;

/// <summary>A storage in which one folder's device fails at one kind of operation, always; all the rest is well.</summary>
internal sealed class FailingFolder(IStorage inner, string folder, StorageOperations kind) : IStorage
{
    public IStorageFile Open(string path, FileAccessKind access)
    {
        if (access != FileAccessKind.Read) Check(path, StorageOperations.Open);
        return new FailingFile(this, inner.Open(path, access));
    }

    public bool FileExists(string path) => inner.FileExists(path);
    public bool FolderExists(string path) => inner.FolderExists(path);
    public void CreateFolder(string path) => inner.CreateFolder(path);
    public IReadOnlyList<string> ListFiles(string folder) => inner.ListFiles(folder);
    public IReadOnlyList<string> ListFolders(string folder) => inner.ListFolders(folder);
    public long FileLength(string path) => inner.FileLength(path);

    public void RenameFile(string from, string to)
    {
        Check(from, StorageOperations.Rename);
        inner.RenameFile(from, to);
    }

    public void RenameFolder(string from, string to) => inner.RenameFolder(from, to);
    public void DeleteFile(string path) => inner.DeleteFile(path);
    public void DeleteFolder(string path) => inner.DeleteFolder(path);
    public void FlushFolder(string path) => inner.FlushFolder(path);
    public long FreeBytes(string path) => inner.FreeBytes(path);
    public IDisposable? TryLock(string path) => inner.TryLock(path);

    private void Check(string path, StorageOperations what)
    {
        if (what == kind && path.StartsWith(folder + "/", StringComparison.Ordinal)) throw new IOException("Input/output error", 5);
    }

    private sealed class FailingFile(FailingFolder storage, IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;
        public long Length => file.Length;
        public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            storage.Check(Path, StorageOperations.Write);
            file.Write(buffer, offset);
        }

        public void Flush()
        {
            storage.Check(Path, StorageOperations.Flush);
            file.Flush();
        }

        public void SetLength(long length) => file.SetLength(length);
        public void Dispose() => file.Dispose();
    }
}
