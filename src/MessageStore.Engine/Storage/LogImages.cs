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
    /// <exception cref="IOException">The device failed.</exception>
    public void Scan(IStorageFile file, CancellationToken cancellationToken)
    {
        long offset = 0;
        while (FrameScanner.FindNext(file, salt, offset) is { } next)
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
