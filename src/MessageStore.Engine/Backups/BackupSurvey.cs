using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Says what lies where in a backup file, whole or damaged, without unpacking it. Goes from frame to frame; where there is none it looks for the next one, whatever
/// lies between. What it notes is to be verified by whoever uses it: messages have checksums of their own.
/// </summary>
/// <remarks>
/// A stretch with bytes put in or taken out shows itself because the next frame is not where it should be. The frame before it is then noted twice, once counted
/// from its start and once from its end, and what lies before the place or behind it is found in one of the two.
/// </remarks>
internal sealed class BackupSurvey : IDisposable
{
    /// <summary>How much is looked through at a time for the next frame.</summary>
    private const int SearchBytes = 1 << 20;

    private readonly IStorageFile file;
    private readonly string path;
    private readonly bool verify;
    private readonly long end;
    private readonly List<BackupDamage> damage = [];
    private readonly List<SurveyedGroup> groups = [];
    private byte[] buffer = [];
    private ContentsMark? contents;
    private SurveyedGroup? group;
    private Chunk last;
    private bool sawTrailer;

    /// <param name="verify">
    /// Whether every byte is read and compared with its checksum. Without, only what the way from frame to frame needs is read, and damage within a frame stays unnoticed here.
    /// </param>
    /// <param name="key">Needed only where the file is encrypted.</param>
    /// <exception cref="MessageStoreException">BackupDamaged where the file's beginning does not say what it is; BackupKeyRequired, BackupKeyWrong; device errors.</exception>
    public BackupSurvey(IStorage storage, string path, BackupKey? key, bool verify, CancellationToken cancellationToken)
    {
        this.path = path;
        this.verify = verify;
        file = BackupFile.OpenDamaged(storage, path, key, damage, cancellationToken);
        try
        {
            end = file.Length;
            Header = ReadHeader(out long position);
            contents = ReadContents();
            if (contents is not null) groups.AddRange(contents.Groups.Select(g => new SurveyedGroup(g.Begin, path) { End = g.End }));
            Walk(position, cancellationToken);
        }
        catch (Exception error)
        {
            Dispose();
            if (error is IOException or UnauthorizedAccessException) throw StorageErrors.Wrap(error, "reading the backup", path);
            throw;
        }
    }

    public BackupHeader Header { get; }

    public IReadOnlyList<SurveyedGroup> Groups => groups;

    /// <summary>The image of the key manager; empty where there is none.</summary>
    public PiecedFile Keys { get; } = new("keys");

    /// <summary>Every stretch that is not as it was written, in order.</summary>
    public IReadOnlyList<BackupDamage> Damage => damage;

    public void Dispose() => file?.Dispose();

    private void Walk(long position, CancellationToken cancellationToken)
    {
        ulong expected = 2;
        while (position < end && !sawTrailer)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (ReadFrameHeader(position) is { } frame && frame.Lsn == expected)
            {
                Note(frame, position);
                position += frame.Length;
                expected++;
                continue;
            }
            // Bytes that were taken out brought the next frame nearer, so it may begin within what the last one should have covered.
            (long Offset, FrameHeader Header)? next = FindNext(last.Length > 0 ? last.Body : position, expected, cancellationToken);
            long found = next?.Offset ?? end;
            if (next is { Header: var header } && header.Lsn == expected) Shift(found - position, position);
            else Miss(position, found, (int)Math.Min(int.MaxValue, next is null ? 1 : next.Value.Header.Lsn - expected), next?.Header);
            if (next is null) return;
            position = found;
            expected = next.Value.Header.Lsn;
            last = default;
        }
        if (!sawTrailer) Report(position, 0, "", "trailer", "it ends without a trailer");
        else if (position < end) Report(position, end - position, "", "", "bytes follow its trailer");
    }

    /// <summary>Takes a frame whose header is valid.</summary>
    private void Note(in FrameHeader frame, long position)
    {
        var type = (BackupFrameType)frame.Type;
        last = default;
        bool isChunk = type is BackupFrameType.Snapshot or BackupFrameType.Segment or BackupFrameType.Log or BackupFrameType.Patch or BackupFrameType.Keys;
        int needed = isChunk && !verify ? BackupWriter.ChunkHeaderSize : frame.Length - FrameHeader.Size;
        if (buffer.Length < needed) buffer = new byte[needed];
        int read = file.ReadFully(buffer.AsSpan(0, needed), position + FrameHeader.Size);
        string? problem = read < needed ? "it ends in the middle of a frame" : null;
        ReadOnlySpan<byte> payload = buffer.AsSpan(0, Math.Min(read, frame.PayloadLength));
        bool isWhole = problem is null && (needed < frame.PayloadLength || frame.Matches(payload, Header.Salt));
        if (!isWhole) problem ??= "a frame's checksum does not hold";
        else if (!(isChunk && !verify) && buffer.AsSpan(frame.PayloadLength, needed - frame.PayloadLength).ContainsAnyExcept((byte)0)) problem = "the padding of a frame is not zero";
        if (contents is not null && groups.Count > 0) group = GroupAt((long)frame.Lsn);
        string part = Name(type);
        if (isChunk && payload.Length >= BackupWriter.ChunkHeaderSize)
        {
            var chunk = new Chunk(type, group, BinaryPrimitives.ReadInt32LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..]),
                position + FrameHeader.Size + BackupWriter.ChunkHeaderSize, Math.Max(0, frame.PayloadLength - BackupWriter.ChunkHeaderSize));
            part = Describe(chunk);
            // The head of a chunk may be what is wrong: then it names no place that fits, and is left out.
            if ((isWhole && verify) || Fits(chunk)) Take(chunk);
        }
        else if (isWhole)
        {
            TakeMark(type, payload);
        }
        if (problem is not null) Report(position, Math.Min(frame.Length, end - position), group?.Name ?? "", part, problem);
    }

    private void Take(Chunk chunk)
    {
        if (FileOf(chunk) is not { } target) return;
        target.Add(chunk.Start, chunk.Length, file, chunk.Body);
        last = chunk;
    }

    private void TakeMark(BackupFrameType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case BackupFrameType.GroupBegin when contents is null:
                group = new SurveyedGroup(Decode<GroupBeginMark>(payload), path);
                groups.Add(group);
                break;
            case BackupFrameType.GroupEnd when contents is null && group is not null:
                group.End = Decode<GroupEndMark>(payload);
                break;
            case BackupFrameType.LogsMark when group is not null:
                group.LogMarks = Decode<LogsMark>(payload).Files;
                break;
            case BackupFrameType.Trailer:
                sawTrailer = true;
                break;
        }
    }

    /// <summary>A frame is where it should not be: bytes were put into the one before it, or taken out.</summary>
    private void Shift(long by, long position)
    {
        if (last.Length > 0) FileOf(last, fromEnd: true)?.Add(last.Start, last.Length, file, last.Body + by);
        long start = last.Length > 0 ? last.Body - BackupWriter.ChunkHeaderSize - FrameHeader.Size : position;
        Report(start, Math.Max(0, position + by - start), last.Group?.Name ?? "", last.Length > 0 ? Describe(last) : "", by > 0 ? $"{by} bytes too many" : $"{-by} bytes too few");
    }

    /// <summary>Frames are missing, or their headers are damaged. A chunk of which only the header is lost is taken where it joins the one before it.</summary>
    private void Miss(long position, long found, int frames, FrameHeader? next)
    {
        Chunk before = last;
        Report(position, found - position, group?.Name ?? "", before.Length > 0 ? "after " + Describe(before) : "", frames == 1 ? "a frame's header is not valid" : $"{frames} frames are missing");
        Span<byte> head = stackalloc byte[BackupWriter.ChunkHeaderSize];
        long body = position + FrameHeader.Size + head.Length;
        if (frames != 1 || next is null || before.Length == 0 || found <= body || file.ReadFully(head, position + FrameHeader.Size) < head.Length) return;
        int number = BinaryPrimitives.ReadInt32LittleEndian(head);
        long start = BinaryPrimitives.ReadInt64LittleEndian(head[8..]);
        if (number == before.Number && start == before.Start + before.Length) Take(before with { Start = start, Body = body, Length = (int)Math.Min(found - body, BackupWriter.ChunkBytes) });
    }

    /// <summary>
    /// Whether a chunk whose checksum does not hold, or was not computed, names a place where one may be. A copied file begins anew in each backup, so nothing of it but a segment is
    /// further on in its own file than in the backup.
    /// </summary>
    private bool Fits(Chunk chunk) => FileOf(chunk) is { } target && chunk.Start >= target.End && (chunk.Type == BackupFrameType.Segment
        ? chunk.Group!.Begin.Segments.Any(s => s.Number == chunk.Number && chunk.Start >= s.From && chunk.Start + chunk.Length <= s.Length)
        : chunk.Start <= chunk.Body);

    private PiecedFile? FileOf(Chunk chunk, bool fromEnd = false) =>
        chunk.Type == BackupFrameType.Keys ? Keys : chunk.Group?.FileOf(chunk.Type, chunk.Number, fromEnd);

    private SurveyedGroup? GroupAt(long frame)
    {
        int found = -1;
        for (int i = 0; i < contents!.Groups.Count && contents.Groups[i].Frame <= frame; i++) found = i;
        return found < 0 || frame >= contents.KeysFrame ? null : groups[found];
    }

    private FrameHeader? ReadFrameHeader(long position)
    {
        Span<byte> bytes = stackalloc byte[FrameHeader.Size];
        int read = file.ReadFully(bytes, position);
        return FrameHeader.TryRead(bytes[..read], Header.Salt, out FrameHeader header) ? header : null;
    }

    /// <summary>The next frame header of this backup at or behind a position, on any byte.</summary>
    private (long Offset, FrameHeader Header)? FindNext(long position, ulong expected, CancellationToken cancellationToken)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(SearchBytes);
        try
        {
            for (long start = position; start < end; start += SearchBytes - FrameHeader.Size)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int read = file.ReadFully(block.AsSpan(0, SearchBytes), start);
                for (int at = 0; block.AsSpan(at, read - at).IndexOf(FrameHeader.MagicBytes) is >= 0 and int next; at++)
                {
                    at += next;
                    if (FrameHeader.TryRead(block.AsSpan(at, read - at), Header.Salt, out FrameHeader header) && header.Lsn >= expected) return (start + at, header);
                }
                if (read < SearchBytes) return null;
            }
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private BackupHeader ReadHeader(out long position)
    {
        Span<byte> bytes = stackalloc byte[FrameHeader.Size];
        int read = file.ReadFully(bytes, 0);
        if (!FrameHeader.TryRead(bytes[..read], 0, out FrameHeader frame) || frame.Type != (byte)BackupFrameType.Header) throw Unreadable();
        byte[] payload = new byte[frame.PayloadLength];
        if (file.ReadFully(payload, FrameHeader.Size) < payload.Length || !frame.Matches(payload, 0)) throw Unreadable();
        position = frame.Length;
        BackupHeader header = Decode<BackupHeader>(payload);
        return header.Format == BackupHeader.CurrentFormat ? header : throw new MessageStoreException(
            header.Format > BackupHeader.CurrentFormat ? ErrorIds.BackupFormatTooNew : ErrorIds.BackupFormatTooOld, ErrorKind.NotSupported,
            $"Backup {path} has format {header.Format}; this version reads {BackupHeader.CurrentFormat}.", path);
    }

    /// <summary>The contents, found from the end; <see langword="null"/> where that is damaged: then the marks on the way say it.</summary>
    private ContentsMark? ReadContents()
    {
        byte[] frame = new byte[FrameHeader.FrameLength(BackupTrailer.PayloadLength)];
        long offset = end - frame.Length;
        if (offset < 0 || ReadMark<BackupTrailer>(frame, offset, BackupFrameType.Trailer) is not { } trailer || trailer.Id != Header.Id) return null;
        long bytes = offset - trailer.ContentsOffset;
        if (trailer.ContentsOffset < 0 || bytes < FrameHeader.Size || bytes > FrameHeader.FrameLength(FrameHeader.MaximumPayload)) return null;
        return ReadMark<ContentsMark>(new byte[bytes], trailer.ContentsOffset, BackupFrameType.Contents);
    }

    private T? ReadMark<T>(byte[] frame, long offset, BackupFrameType type)
        where T : class
    {
        if (file.ReadFully(frame, offset) < frame.Length || !FrameHeader.TryRead(frame, Header.Salt, out FrameHeader header) || header.Type != (byte)type
            || header.Length != frame.Length || !header.Matches(frame.AsSpan(FrameHeader.Size, header.PayloadLength), Header.Salt)) return null;
        return Decode<T>(frame.AsSpan(FrameHeader.Size, header.PayloadLength));
    }

    private T Decode<T>(ReadOnlySpan<byte> payload)
    {
        try
        {
            return MarkCodec.Decode<T>(payload);
        }
        catch (JsonException error)
        {
            throw new MessageStoreException(ErrorIds.BackupDamaged, ErrorKind.Damaged, $"Backup {path} holds a mark that passed its checksum and cannot be read ({error.Message}). Use another backup.", path, error);
        }
    }

    private void Report(long offset, long length, string groupName, string part, string problem) => damage.Add(new BackupDamage
    {
        Path = path, Offset = offset, Length = length, StorageGroup = groupName, Part = part, Problem = problem,
    });

    private static string Describe(Chunk chunk)
    {
        string what = chunk.Type switch
        {
            BackupFrameType.Snapshot => "index",
            BackupFrameType.Keys => "keys",
            _ => string.Create(CultureInfo.InvariantCulture, $"{Name(chunk.Type)} {chunk.Number}"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{what} from {chunk.Start}");
    }

    private static string Name(BackupFrameType type) => type switch
    {
        BackupFrameType.GroupBegin => "beginning of the group",
        BackupFrameType.GroupEnd => "end of the group",
        BackupFrameType.LogsMark => "list of logs",
        _ => type.ToString().ToLowerInvariant(),
    };

    private MessageStoreException Unreadable() => new(ErrorIds.BackupDamaged, ErrorKind.Damaged,
        $"Backup {path} is damaged at offset 0: its header cannot be read, so nothing says what it holds. Use another backup.", path);

    /// <summary>A chunk of a copied file.</summary>
    /// <param name="Start">Its offset in that file.</param>
    /// <param name="Body">Where its bytes lie in the backup.</param>
    private readonly record struct Chunk(BackupFrameType Type, SurveyedGroup? Group, int Number, long Start, long Body, int Length);
}
