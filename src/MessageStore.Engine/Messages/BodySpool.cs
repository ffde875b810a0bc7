using System.Security.Cryptography;

namespace MessageStore.Messages;

/// <summary>
/// A temporary file that holds a message too long for memory, and vanishes with the process. Only its owner may read it. It lies in
/// the folder that the system names for such files (<c>TMPDIR</c>, <c>TEMP</c>).
/// </summary>
internal sealed class BodySpool : IDisposable
{
    private readonly FileStream file;
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <exception cref="IOException">The temporary folder is full or failing.</exception>
    /// <exception cref="UnauthorizedAccessException">The temporary folder may not be written.</exception>
    public BodySpool()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"messagestore-{Guid.NewGuid():n}.tmp");
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Delete,
            Options = FileOptions.DeleteOnClose,
            BufferSize = 0,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        file = new FileStream(Path, options);
        // Where an open file may lose its name, even a killed process leaves nothing behind.
        if (!OperatingSystem.IsWindows()) File.Delete(Path);
    }

    public string Path { get; }

    public long Length { get; private set; }

    /// <summary>The first <see cref="MessageBody.HeadLimit"/> bytes.</summary>
    public ReadOnlyMemory<byte> Head { get; private set; }

    /// <summary>Adds bytes at the end. The first piece must be longer than <see cref="MessageBody.HeadLimit"/>.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(file.SafeFileHandle, bytes, Length);
        if (Length == 0) Head = bytes[..MessageBody.HeadLimit].ToArray();
        hash.AppendData(bytes);
        Length += bytes.Length;
    }

    public byte[] Sha256() => hash.GetCurrentHash();

    public int Read(Span<byte> buffer, long offset) => RandomAccess.Read(file.SafeFileHandle, buffer, offset);

    public void Dispose()
    {
        hash.Dispose();
        file.Dispose();
    }
}
