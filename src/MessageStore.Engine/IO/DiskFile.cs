using Microsoft.Win32.SafeHandles;

namespace MessageStore.IO;

/// <summary>A file on the real disk.</summary>
internal sealed class DiskFile(string path, SafeFileHandle handle) : IStorageFile
{
    public string Path => path;

    public long Length => RandomAccess.GetLength(handle);

    public int Read(Span<byte> buffer, long offset) => RandomAccess.Read(handle, buffer, offset);

    public void Write(ReadOnlySpan<byte> buffer, long offset) => RandomAccess.Write(handle, buffer, offset);

    public void Flush() => RandomAccess.FlushToDisk(handle);

    public void SetLength(long length) => RandomAccess.SetLength(handle, length);

    public void Dispose() => handle.Dispose();
}
