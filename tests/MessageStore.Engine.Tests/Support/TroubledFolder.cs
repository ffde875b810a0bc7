using MessageStore.IO;

namespace MessageStore.Tests.Support;

/// <summary>What has become of a device.</summary>
internal enum Trouble
{
    None,
    /// <summary>Nothing can be written: ENOSPC.</summary>
    Full,
    /// <summary>Nothing can be written: EROFS.</summary>
    ReadOnly,
    /// <summary>Nothing is there, and open files give input/output errors.</summary>
    Gone,
}

/// <summary>A storage with a folder on a device of its own, which gets into trouble after so many writes to it; all the rest is well.</summary>
internal sealed class TroubledFolder(IStorage inner, string folder) : IStorage
{
    private int writesLeft = int.MaxValue;
    private Trouble coming;

    /// <summary>What the device is like now.</summary>
    public Trouble Now { get; set; }

    /// <summary>Lets trouble come after <paramref name="writes"/> more writes.</summary>
    public void After(int writes, Trouble trouble) => (writesLeft, coming) = (writes, trouble);

    public IStorageFile Open(string path, FileAccessKind access)
    {
        if (!IsHere(path)) return inner.Open(path, access);
        if (Now == Trouble.Gone) throw new DirectoryNotFoundException($"{path} not found.");
        if (access != FileAccessKind.Read) CheckChange(path);
        return new TroubledFile(this, inner.Open(path, access));
    }

    public bool FileExists(string path) => !IsGone(path) && inner.FileExists(path);
    public bool FolderExists(string path) => !IsGone(path) && inner.FolderExists(path);
    public IReadOnlyList<string> ListFiles(string path) => IsGone(path) ? [] : inner.ListFiles(path);
    public IReadOnlyList<string> ListFolders(string path) => IsGone(path) ? [] : inner.ListFolders(path);
    public long FileLength(string path) => IsGone(path) ? throw new FileNotFoundException($"{path} not found.", path) : inner.FileLength(path);
    public long FreeBytes(string path) => inner.FreeBytes(path);
    public IDisposable? TryLock(string path) => inner.TryLock(path);
    public void CreateFolder(string path) => Change(path, () => inner.CreateFolder(path));
    public void RenameFile(string from, string to) => Change(from, () => inner.RenameFile(from, to));
    public void RenameFolder(string from, string to) => Change(from, () => inner.RenameFolder(from, to));
    public void DeleteFile(string path) => Change(path, () => inner.DeleteFile(path));
    public void DeleteFolder(string path) => Change(path, () => inner.DeleteFolder(path));
    public void FlushFolder(string path) => Change(path, () => inner.FlushFolder(path));

    private bool IsHere(string path) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private bool IsGone(string path) => Now == Trouble.Gone && IsHere(path);

    private void Change(string path, Action change)
    {
        if (IsHere(path)) CheckChange(path);
        change();
    }

    private void CheckChange(string path)
    {
        switch (Now)
        {
            case Trouble.Full:
                throw new IOException($"No space left on device : '{path}'", 28);
            case Trouble.ReadOnly:
                throw new IOException($"Read-only file system : '{path}'", 30);
            case Trouble.Gone:
                throw new IOException($"Input/output error : '{path}'", 5);
            default:
                break;
        }
    }

    private sealed class TroubledFile(TroubledFolder device, IStorageFile file) : IStorageFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(Span<byte> buffer, long offset) => device.Now == Trouble.Gone ? throw new IOException("Input/output error", 5) : file.Read(buffer, offset);

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            if (Interlocked.Decrement(ref device.writesLeft) < 0) device.Now = device.coming;
            device.CheckChange(Path);
            file.Write(buffer, offset);
        }

        public void Flush()
        {
            device.CheckChange(Path);
            file.Flush();
        }

        public void SetLength(long length)
        {
            device.CheckChange(Path);
            file.SetLength(length);
        }

        public void Dispose() => file.Dispose();
    }
}
