using MessageStore.IO;

namespace MessageStore.Bench;

/// <summary>The real disk, with what is asked of it counted.</summary>
internal sealed class CountingStorage : IStorage
{
    private static readonly DiskStorage Disk = DiskStorage.Instance;

    private long bytes;
    private long flushes;

    /// <summary>Bytes written to files.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Flushes of files.</summary>
    public long Flushes => Interlocked.Read(ref flushes);

    public IStorageFile Open(string path, FileAccessKind access) => new CountingFile(this, Disk.Open(path, access));

    public bool FileExists(string path) => Disk.FileExists(path);

    public bool FolderExists(string path) => Disk.FolderExists(path);

    public void CreateFolder(string path) => Disk.CreateFolder(path);

    public IReadOnlyList<string> ListFiles(string folder) => Disk.ListFiles(folder);

    public IReadOnlyList<string> ListFolders(string folder) => Disk.ListFolders(folder);

    public long FileLength(string path) => Disk.FileLength(path);

    public void RenameFile(string from, string to) => Disk.RenameFile(from, to);

    public void RenameFolder(string from, string to) => Disk.RenameFolder(from, to);

    public void DeleteFile(string path) => Disk.DeleteFile(path);

    public void DeleteFolder(string path) => Disk.DeleteFolder(path);

    public void FlushFolder(string path) => Disk.FlushFolder(path);

    public long FreeBytes(string path) => Disk.FreeBytes(path);

    public IDisposable? TryLock(string path) => Disk.TryLock(path);

    private sealed class CountingFile(CountingStorage storage, IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(Span<byte> buffer, long offset) => file.Read(buffer, offset);

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            Interlocked.Add(ref storage.bytes, buffer.Length);
            file.Write(buffer, offset);
        }

        public void Flush()
        {
            Interlocked.Increment(ref storage.flushes);
            file.Flush();
        }

        public void SetLength(long length) => file.SetLength(length);

        public void BeginFlush(long offset, long length) => file.BeginFlush(offset, length);

        public void DropCache(long offset, long length) => file.DropCache(offset, length);

        public void BypassCache() => file.BypassCache();

        public long? CachedBytes(long offset, long length) => file.CachedBytes(offset, length);

        public void Dispose() => file.Dispose();
    }
}
