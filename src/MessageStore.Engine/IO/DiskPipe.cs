using System.Runtime.InteropServices;

namespace MessageStore.IO;

/// <summary>A pipe or a device on the real machine: bytes go through it in order, offsets do not count.</summary>
internal sealed partial class DiskPipe : IStorageFile
{
    private const short CanRead = 1; // POLLIN

    private readonly FileStream stream;

    /// <param name="access">Writing waits until somebody reads. Of both ends reading waits for nobody: where nothing is there it gets nothing.</param>
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

    public int Read(Span<byte> buffer, long offset) => HasBytes() ? stream.Read(buffer) : 0;

    public void Write(ReadOnlySpan<byte> buffer, long offset) => stream.Write(buffer);

    public void Flush() => DiskFile.Flush(stream.SafeFileHandle, Path);

    public void SetLength(long length) => throw new NotSupportedException();

    public void Dispose() => stream.Dispose();

    private bool HasBytes()
    {
        if (OperatingSystem.IsWindows()) return true;
        var wanted = new PollDescriptor { Descriptor = (int)stream.SafeFileHandle.DangerousGetHandle(), Events = CanRead };
        return Poll(ref wanted, 1, 0) > 0;
    }

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptors, nuint count, int timeout);
}
