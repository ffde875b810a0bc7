using System.Buffers;
using System.Buffers.Binary;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// Finds the images of wanted messages in log files, also in damaged ones: whatever frames are whole are looked at. What it finds is to be verified.
/// </summary>
internal sealed class LogImages(uint salt, IReadOnlySet<Guid> wanted)
{
    private readonly Dictionary<Guid, (ushort SummaryLength, List<(IStorageFile, long)> Frames)> large = [];

    /// <summary>Images found so far; the files must stay open as long as they are used.</summary>
    public List<(Guid Id, ushort SummaryLength, ImageSource Source)> Found { get; } = [];

    /// <summary>Looks through a file. Files come in order, because a large message may go on in the next.</summary>
    /// <param name="firstLsn">Its first transaction. What lies in it of earlier ones, the file held before it was used again, and it may be overwritten at any moment.</param>
    /// <exception cref="IOException">The device failed.</exception>
    public void Scan(IStorageFile file, ulong firstLsn, CancellationToken cancellationToken)
    {
        long offset = 0;
        while (FrameScanner.FindNext(file, salt, offset, firstLsn) is { } next)
        {
            using var reader = new FrameReader(file, salt, next.Offset, next.Header.Lsn);
            while (reader.TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Look(file, (TransactionType)header.Type, payload, reader.FrameOffset);
            }
            offset = reader.End.Offset + FrameHeader.Alignment;
        }
    }

    /// <summary>Looks through a file whose frames do not follow each other by number, such as a segment. Payloads are not verified here.</summary>
    /// <exception cref="IOException">The device failed.</exception>
    public void ScanLoose(IStorageFile file, CancellationToken cancellationToken)
    {
        byte[] head = ArrayPool<byte>.Shared.Rent(FrameHeader.Size + ImageHeader.Size + ushort.MaxValue);
        try
        {
            for (long at = 0; ;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int read = file.ReadFully(head.AsSpan(0, FrameHeader.Size), at);
                if (!FrameHeader.TryRead(head.AsSpan(0, read), salt, out FrameHeader header))
                {
                    if (FrameScanner.FindNext(file, salt, at) is not { } next) return;
                    (at, header) = next;
                }
                Span<byte> payload = head.AsSpan(0, Math.Min(header.PayloadLength, ImageHeader.Size + ushort.MaxValue));
                payload = payload[..file.ReadFully(payload, at + FrameHeader.Size)];
                if (payload.Length >= ImageHeader.PartHeaderSize) Look(file, (TransactionType)header.Type, payload, at);
                at += header.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(head);
        }
    }

    private void Look(IStorageFile file, TransactionType type, ReadOnlySpan<byte> payload, long offset)
    {
        bool isHead = type is TransactionType.Append or TransactionType.Recalled or TransactionType.Archived or TransactionType.AppendBegin;
        if (!isHead && type != TransactionType.AppendPart) return;
        var id = new Guid(payload[..16], bigEndian: true);
        if (!wanted.Contains(id)) return;
        if (type == TransactionType.AppendPart)
        {
            if (!large.TryGetValue(id, out var begun) || BinaryPrimitives.ReadInt32LittleEndian(payload[16..]) != begun.Frames.Count) return;
            begun.Frames.Add((file, offset));
            if (BinaryPrimitives.ReadUInt32LittleEndian(payload[20..]) == 1) Found.Add((id, begun.SummaryLength, new ScatteredImage(begun.Frames)));
            return;
        }
        if (!ImageHeader.TryRead(payload, salt, out ImageHeader image)) return;
        if (type == TransactionType.AppendBegin) large[id] = (image.SummaryLength, [(file, offset)]);
        else Found.Add((id, image.SummaryLength, new ScatteredImage([(file, offset)])));
    }
}
