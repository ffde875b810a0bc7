namespace MessageStore.IO;

/// <summary>A pipe or a device on the real machine: bytes go through it in order, offsets do not count.</summary>
internal sealed class DiskPipe : IStorageFile
{
    private readonly FileStream stream;

    /// <param name="access">Writing waits until somebody reads; reading and writing waits for nobody.</param>
    /// <exception cref="IOException">It is an ordinary file.</exception>
    public DiskPipe(string path, FileAccess access)
    {
        Path = path;
        stream = new FileStream(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (!stream.CanSeek) return;
        stream.Dispose();
        throw new IOException($"{path} is an ordinary file, not a pipe.");
    }

    public string Path { get; }

    public long Length => throw new NotSupportedException();

    public int Read(Span<byte> buffer, long offset) => stream.Read(buffer);

    public void Write(ReadOnlySpan<byte> buffer, long offset) => stream.Write(buffer);

    public void Flush() => DiskFile.Flush(stream.SafeFileHandle, Path);

    public void SetLength(long length) => throw new NotSupportedException();

    public void Dispose() => stream.Dispose();
}
