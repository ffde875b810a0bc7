namespace MessageStore.IO;

/// <summary>Passes everything on to another storage, and remembers the first time that the device failed: so that a device is not taken for the bytes that it should have given.</summary>
internal sealed class WatchedStorage(IStorage below) : IStorage
{
    private Exception? failure;

    /// <summary>The first error of the device; <see langword="null"/> where there was none. That something is not there is no error of a device.</summary>
    public Exception? Failure => Volatile.Read(ref failure);

    public IStorageFile Open(string path, FileAccessKind access) => new WatchedFile(this, Watch(() => below.Open(path, access)));

    public bool FileExists(string path) => Watch(() => below.FileExists(path));

    public bool FolderExists(string path) => Watch(() => below.FolderExists(path));

    public void CreateFolder(string path) => Watch(() => below.CreateFolder(path));

    public IReadOnlyList<string> ListFiles(string folder) => Watch(() => below.ListFiles(folder));

    public IReadOnlyList<string> ListFolders(string folder) => Watch(() => below.ListFolders(folder));

    public long FileLength(string path) => Watch(() => below.FileLength(path));

    public void RenameFile(string from, string to) => Watch(() => below.RenameFile(from, to));

    public void RenameFolder(string from, string to) => Watch(() => below.RenameFolder(from, to));

    public void DeleteFile(string path) => Watch(() => below.DeleteFile(path));

    public void DeleteFolder(string path) => Watch(() => below.DeleteFolder(path));

    public void FlushFolder(string path) => Watch(() => below.FlushFolder(path));

    public long FreeBytes(string path) => Watch(() => below.FreeBytes(path));

    public IDisposable? TryLock(string path) => Watch(() => below.TryLock(path));

    private void Watch(Action act) => Watch(() =>
    {
        act();
        return true;
    });

    private T Watch<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception error) when (Note(error))
        {
            throw;
        }
    }

    /// <returns>Always <see langword="false"/>: the error goes its way as it came.</returns>
    private bool Note(Exception error)
    {
        if (error is UnauthorizedAccessException or (IOException and not (FileNotFoundException or DirectoryNotFoundException))) Interlocked.CompareExchange(ref failure, error, null);
        return false;
    }

    private sealed class WatchedFile(WatchedStorage storage, IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public long Length => storage.Watch(() => file.Length);

        public int Read(Span<byte> buffer, long offset)
        {
            try
            {
                return file.Read(buffer, offset);
            }
            catch (Exception error) when (storage.Note(error))
            {
                throw;
            }
        }

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            try
            {
                file.Write(buffer, offset);
            }
            catch (Exception error) when (storage.Note(error))
            {
                throw;
            }
        }

        public void Flush() => storage.Watch(file.Flush);

        public void SetLength(long length) => storage.Watch(() => file.SetLength(length));

        public void BeginFlush(long offset, long length) => file.BeginFlush(offset, length);

        public void DropCache(long offset, long length) => file.DropCache(offset, length);

        public void BypassCache() => file.BypassCache();

        public long? CachedBytes(long offset, long length) => file.CachedBytes(offset, length);

        public void Dispose() => file.Dispose();
    }
}
