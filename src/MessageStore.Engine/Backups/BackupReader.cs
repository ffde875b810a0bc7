using System.Security.Cryptography;
using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Reads a backup file and verifies what it reads: every frame by its checksum and its place in the sequence, and all of them, when its stretches were read, by the trailer's digest. The first
/// thing that is wrong is an error that names file and offset.
/// </summary>
internal sealed class BackupReader : IDisposable
{
    /// <summary>Enough for marks; the first chunk makes it larger.</summary>
    private const int SmallestBuffer = 64 << 10;

    private readonly IStorageFile file;
    private readonly byte[] headerLeaf = new byte[BackupDigest.LeafBytes];
    private readonly long length;
    private byte[] buffer = new byte[SmallestBuffer];
    private long position;
    private long headerLength;
    private ulong sequence;

    /// <summary>Opens the file, reads its header, its trailer and its contents.</summary>
    /// <param name="key">Needed only where the file is encrypted.</param>
    /// <exception cref="MessageStoreException">BackupNotFound, BackupKeyRequired, BackupKeyWrong, BackupDamaged, BackupIncomplete, BackupFormatTooNew, BackupFormatTooOld.</exception>
    public BackupReader(IStorage storage, string path, BackupKey? key)
    {
        Path = path;
        file = BackupFile.Open(storage, path, key);
        try
        {
            length = file.Length;
            Header = ReadHeader();
            Trailer = ReadTrailer();
            Contents = ReadContents();
            if (file is LayerFile { Label: { } label } && !label.Is(new BackupLink(Header.Id, Trailer.Sha256, ""))) throw Damaged(0, "the label of its layer belongs to another backup");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw StorageErrors.Wrap(error, "reading the backup", path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public BackupHeader Header { get; }

    /// <summary>The trailer as the end of the file has it. What it says is proved only by <see cref="CheckDigest"/>.</summary>
    public BackupTrailer Trailer { get; }

    /// <summary>What is where; proved as the trailer is.</summary>
    public ContentsMark Contents { get; }

    /// <summary>Names of the groups in it.</summary>
    public IReadOnlyList<string> Groups => [.. Contents.Groups.Select(g => g.Begin.Name)];

    public long Length => length;

    /// <summary>Bytes read so far.</summary>
    public long Position => position;

    /// <summary>The next frame; its payload is valid until the next call. The trailer is the last.</summary>
    /// <exception cref="MessageStoreException">BackupDamaged.</exception>
    public BackupFrameType Next(out ReadOnlySpan<byte> payload)
    {
        FrameHeader header = ReadFrame(Header?.Salt ?? 0, out int frameLength);
        payload = buffer.AsSpan(FrameHeader.Size, header.PayloadLength);
        position += frameLength;
        sequence++;
        return (BackupFrameType)header.Type;
    }

    /// <summary>The stretches of the file behind its header, one after the other without gaps: what lies before the groups, each group, what lies behind them.</summary>
    /// <exception cref="MessageStoreException">BackupDamaged: its contents name places that do not join.</exception>
    public List<BackupStretch> Stretches()
    {
        var stretches = new List<BackupStretch>();
        (long Offset, long Frame) at = (headerLength, 2);
        void Add(long end, long endFrame, GroupContents? group)
        {
            if (end < at.Offset || endFrame < at.Frame) throw Damaged(Trailer.ContentsOffset, "its contents name places that do not join");
            stretches.Add(new BackupStretch(at.Offset, at.Frame, end, endFrame, group));
            at = (end, endFrame);
        }
        for (int i = 0; i < Contents.Groups.Count; i++)
        {
            GroupContents group = Contents.Groups[i];
            Add(group.Offset, group.Frame, null);
            GroupContents? next = i + 1 < Contents.Groups.Count ? Contents.Groups[i + 1] : null;
            Add(group.Offset + group.Bytes, next?.Frame ?? Contents.KeysFrame, group);
        }
        Add(length, Trailer.Frames + 2, null);
        return stretches;
    }

    /// <summary>The frames of a stretch. Several may be read at the same time.</summary>
    public BackupFrames Read(BackupStretch stretch) => new(this, file, stretch);

    /// <summary>Proves that nothing is missing and nothing was exchanged.</summary>
    /// <param name="leaves">The digests of all frames behind the header and before the trailer, in order.</param>
    /// <exception cref="MessageStoreException">BackupDamaged.</exception>
    public void CheckDigest(IEnumerable<ReadOnlyMemory<byte>> leaves)
    {
        using var digest = new BackupDigest();
        digest.AddLeaf(headerLeaf);
        long frames = 1;
        foreach (ReadOnlyMemory<byte> some in leaves)
        {
            digest.AddLeaf(some.Span);
            frames += some.Length / BackupDigest.LeafBytes;
        }
        long trailerOffset = length - FrameHeader.FrameLength(BackupTrailer.PayloadLength);
        if (digest.Finish() != Trailer.Sha256 || Trailer.Frames != frames || Trailer.Bytes != trailerOffset)
            throw Damaged(trailerOffset, "its frames do not come to the digest in its trailer");
    }

    /// <summary>Goes to a group without reading what lies before. From then on every frame is still verified by itself.</summary>
    public void GoTo(GroupContents group)
    {
        position = group.Offset;
        sequence = (ulong)group.Frame - 1;
    }

    public MessageStoreException Damaged(long offset, string what) => new(ErrorIds.BackupDamaged, ErrorKind.Damaged,
        $"Backup {Path} is damaged at offset {offset}: {what}. Use another backup.", Path);

    public void Dispose()
    {
        file?.Dispose();
    }

    private BackupHeader ReadHeader()
    {
        FrameHeader frame = ReadFrame(0, out int frameLength);
        if (frame.Type != (byte)BackupFrameType.Header) throw Damaged(0, "it does not begin with a header");
        SHA256.HashData(buffer.AsSpan(0, frameLength), headerLeaf);
        position = headerLength = frameLength;
        sequence++;
        BackupHeader header = Decode<BackupHeader>(buffer.AsSpan(FrameHeader.Size, frame.PayloadLength), 0);
        if (header.Format > BackupHeader.CurrentFormat)
            throw new MessageStoreException(ErrorIds.BackupFormatTooNew, ErrorKind.NotSupported,
                $"Backup {Path} has format {header.Format}; this version reads up to {BackupHeader.CurrentFormat}. Use a newer MessageStore.", Path);
        if (header.Format < BackupHeader.CurrentFormat)
            throw new MessageStoreException(ErrorIds.BackupFormatTooOld, ErrorKind.NotSupported,
                $"Backup {Path} has format {header.Format}, which no release ever wrote. Make a new backup with this version.", Path);
        return header;
    }

    private BackupTrailer ReadTrailer()
    {
        byte[] frame = new byte[FrameHeader.FrameLength(BackupTrailer.PayloadLength)];
        long offset = length - frame.Length;
        int read = offset < position ? 0 : file.ReadFully(frame, offset);
        Span<byte> payload = frame.AsSpan(FrameHeader.Size, BackupTrailer.PayloadLength);
        if (read < frame.Length || !FrameHeader.TryRead(frame, Header.Salt, out FrameHeader header) || header.Type != (byte)BackupFrameType.Trailer
            || header.PayloadLength != payload.Length || !header.Matches(payload, Header.Salt))
            throw new MessageStoreException(ErrorIds.BackupIncomplete, ErrorKind.Damaged,
                $"Backup {Path} has no valid trailer at its end: it was cut off, or altered there. It is not a backup.", Path);
        BackupTrailer trailer = Decode<BackupTrailer>(payload, offset);
        if (trailer.Id != Header.Id) throw Damaged(offset, "its trailer belongs to another backup");
        return trailer;
    }

    private ContentsMark ReadContents()
    {
        long bytes = length - FrameHeader.FrameLength(BackupTrailer.PayloadLength) - Trailer.ContentsOffset;
        if (Trailer.ContentsOffset < position || bytes < FrameHeader.Size || bytes > FrameHeader.FrameLength(FrameHeader.MaximumPayload))
            throw Damaged(Trailer.Bytes, "its trailer names no place for its contents");
        byte[] frame = new byte[bytes];
        int read = file.ReadFully(frame, Trailer.ContentsOffset);
        if (read < bytes || !FrameHeader.TryRead(frame, Header.Salt, out FrameHeader header) || header.Type != (byte)BackupFrameType.Contents
            || header.Length != bytes || !header.Matches(frame.AsSpan(FrameHeader.Size, header.PayloadLength), Header.Salt))
            throw Damaged(Trailer.ContentsOffset, "its contents cannot be read");
        return Decode<ContentsMark>(frame.AsSpan(FrameHeader.Size, header.PayloadLength), Trailer.ContentsOffset);
    }

    private FrameHeader ReadFrame(uint salt, out int frameLength)
    {
        frameLength = 0;
        try
        {
            int read = file.ReadFully(buffer.AsSpan(0, FrameHeader.Size), position);
            if (!FrameHeader.TryRead(buffer.AsSpan(0, read), salt, out FrameHeader header)) throw Damaged(position, sequence == 0 ? "it does not begin as a backup does" : "a frame's header is not valid");
            if (header.Lsn != sequence + 1) throw Damaged(position, $"frame {sequence + 1} is missing");
            frameLength = header.Length;
            if (buffer.Length < frameLength) Array.Resize(ref buffer, frameLength);
            read = file.ReadFully(buffer.AsSpan(FrameHeader.Size, frameLength - FrameHeader.Size), position + FrameHeader.Size);
            if (read < frameLength - FrameHeader.Size) throw Damaged(position, "it ends in the middle of a frame");
            if (!header.Matches(buffer.AsSpan(FrameHeader.Size, header.PayloadLength), salt)) throw Damaged(position, "a frame's checksum does not hold");
            if (buffer.AsSpan(FrameHeader.Size + header.PayloadLength, frameLength - FrameHeader.Size - header.PayloadLength).ContainsAnyExcept((byte)0)) throw Damaged(position, "the padding of a frame is not zero");
            return header;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the backup", Path);
        }
    }

    public T Decode<T>(ReadOnlySpan<byte> payload, long offset)
    {
        try
        {
            return MarkCodec.Decode<T>(payload);
        }
        catch (JsonException error)
        {
            throw Damaged(offset, $"a mark cannot be read ({error.Message})");
        }
    }
}
