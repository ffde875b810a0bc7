using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

internal sealed partial class BackupGroupView
{
    /// <summary>Applies logs and patches, passing over what is damaged.</summary>
    private void Replay(IndexTables? tables, ReplayLimit limit, CancellationToken cancellationToken)
    {
        var applier = new Applier(index, nowhere, identity);
        var parts = new Dictionary<Guid, List<(IStorageFile, long)>>();
        foreach (PendingAppend append in tables?.Pending ?? [])
        {
            applier.AddPending(append);
            if (!files.Segments.TryGetValue(append.Segment, out PiecedFile? segment)) continue;
            // The parts that came before the checkpoint lie in the segment, at their places; those to come lie in the log.
            int known = ImageHeader.FrameCount(append.Image.BodyLength);
            parts[append.Image.Id] = [.. Enumerable.Range(0, known).Select(p => ((IStorageFile)segment, append.Offset + (p == 0 ? 0 : ImageHeader.PartOffset(p, append.Image.SummaryLength))))];
        }
        LastLsn = tables?.Lsn ?? 0;
        LastTime = tables?.TimeTicks ?? 0;
        bool begun = tables is not null;
        for (int number = 0; number < files.Logs.Count; number++)
        {
            IStorageFile log = files.Logs[number];
            for ((long Offset, ulong Lsn)? start = StartOf(log); start is { } at;)
            {
                using var reader = new FrameReader(log, identity.Salt, at.Offset, at.Lsn);
                while (reader.TryRead(out FrameHeader frame, out ReadOnlySpan<byte> payload))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (frame.Lsn <= LastLsn) continue;
                    if (limit.Excludes(frame)) return;
                    if (begun) MissingTransactions += frame.Lsn - LastLsn - 1;
                    begun = true;
                    Apply(applier, parts, frame, payload, log, number, reader.FrameOffset);
                    LastLsn = frame.Lsn;
                    LastTime = frame.TimeTicks;
                }
                if (begun && reader.End.Lsn == LastLsn + 1 && reader.End.Lsn <= Math.Min(files.EndLsn, limit.Lsn)) TakeDamaged(applier, parts, log, number, reader.End);
                start = NextIn(log, reader.End.Offset + FrameHeader.Alignment);
            }
        }
        if (files.EndLsn > LastLsn) MissingTransactions += files.EndLsn - LastLsn;
    }

    private void Apply(Applier applier, Dictionary<Guid, List<(IStorageFile, long)>> parts, in FrameHeader frame, ReadOnlySpan<byte> payload, IStorageFile log, int number, long offset)
    {
        var type = (TransactionType)frame.Type;
        var place = new Placement(-number - 1, offset);
        switch (type)
        {
            case TransactionType.AppendBegin when ImageHeader.TryRead(payload, identity.Salt, out ImageHeader image):
                applier.AddPending(new PendingAppend(image, place.Segment, offset, payload[..(ImageHeader.Size + image.SummaryLength)].ToArray()));
                parts[image.Id] = [(log, offset)];
                break;
            case TransactionType.AppendPart:
                var id = new Guid(payload[..16], bigEndian: true);
                int part = BinaryPrimitives.ReadInt32LittleEndian(payload[16..]);
                bool isLast = BinaryPrimitives.ReadUInt32LittleEndian(payload[20..]) == 1;
                if (!parts.TryGetValue(id, out List<(IStorageFile, long)>? frames)) break;
                while (frames.Count <= part) frames.Add((log, long.MaxValue - FrameHeader.MaximumPayload)); // one that is missing is found missing when the message is verified
                frames[part] = (log, offset);
                if (!isLast) break;
                parts.Remove(id);
                if (!applier.Pending.TryGetValue(id, out PendingAppend? append)) break;
                scattered[id] = new ScatteredImage(frames);
                // Its place says that it comes from the logs, wherever its first part lies.
                applier.AddPending(append with { Segment = place.Segment, Offset = 0 });
                break;
            case TransactionType.Archived or TransactionType.Recalled:
                scattered.Remove(new Guid(payload[..16], bigEndian: true));
                break;
            default:
                break;
        }
        if (IsKnown(type)) applier.Apply(type, payload, place);
    }

    /// <summary>Where the transactions of a log file begin, and with which.</summary>
    private (long Offset, ulong Lsn)? StartOf(IStorageFile log) => GroupFileHeader.Read(log, out int length) is { } header ? (length, header.Number) : NextIn(log, 0);

    private (long Offset, ulong Lsn)? NextIn(IStorageFile log, long offset) => FrameScanner.FindNext(log, identity.Salt, offset) is { } next ? (next.Offset, next.Header.Lsn) : null;

    /// <summary>
    /// A frame that is not what was written may still tell which message it held: header and summary have a checksum of their own, and the parts of a large message name its Id. So it is
    /// applied, and whoever verifies the message finds the damage and can say whose it is.
    /// </summary>
    /// <param name="end">Where the frame lies; the backup recorded that it was there.</param>
    private void TakeDamaged(Applier applier, Dictionary<Guid, List<(IStorageFile, long)>> parts, IStorageFile log, int number, FrameEnd end)
    {
        int read = log.ReadFully(buffer.AsSpan(0, FrameHeader.Size + ImageHeader.Size + ushort.MaxValue), end.Offset);
        if (read < FrameHeader.Size + ImageHeader.PartHeaderSize) return;
        ReadOnlySpan<byte> payload = buffer.AsSpan(FrameHeader.Size, read - FrameHeader.Size);
        // Where its own header is lost, too, what it holds says what it is: what has a place already cannot arrive.
        var type = FrameHeader.TryRead(buffer, identity.Salt, out FrameHeader frame) && frame.Lsn == end.Lsn ? (TransactionType)frame.Type : default;
        if (ImageHeader.TryRead(payload, identity.Salt, out ImageHeader image))
        {
            if (type == default && index.Find(UInt128Bytes.From(image.Id)) < 0)
                type = image.BodyLength > ImageHeader.PartBytes ? TransactionType.AppendBegin : TransactionType.Append;
            if (type is not (TransactionType.Append or TransactionType.AppendBegin or TransactionType.Recalled)) return;
        }
        else
        {
            if (type == default) type = TransactionType.AppendPart;
            if (type != TransactionType.AppendPart || !applier.Pending.TryGetValue(new Guid(payload[..16], bigEndian: true), out PendingAppend? append)
                || BinaryPrimitives.ReadInt32LittleEndian(payload[16..]) is var part && (part < 1 || part >= ImageHeader.FrameCount(append.Image.BodyLength))) return;
        }
        Apply(applier, parts, frame with { Type = (byte)type }, payload, log, number, end.Offset);
        LastLsn = end.Lsn;
    }

    /// <summary>Looks through the segments for messages that the index has lost: an image names its mailbox, folder and flags as of its arrival.</summary>
    private void FindUnindexed(CancellationToken cancellationToken)
    {
        var found = new Dictionary<UInt128Bytes, (ulong Lsn, IndexEntry Entry)>();
        foreach ((int number, PiecedFile segment) in files.Segments)
        {
            long offset = 0;
            while (FrameScanner.FindNext(segment, identity.Salt, offset) is { } next)
            {
                cancellationToken.ThrowIfCancellationRequested();
                offset = next.Offset + FrameHeader.Alignment;
                var type = (TransactionType)next.Header.Type;
                if (type is not (TransactionType.Append or TransactionType.AppendBegin or TransactionType.Archived or TransactionType.Recalled)) continue;
                byte[] head = new byte[Math.Min(next.Header.PayloadLength, ImageHeader.Size + ushort.MaxValue)];
                int read = segment.ReadFully(head, next.Offset + FrameHeader.Size);
                if (!ImageHeader.TryRead(head.AsSpan(0, read), identity.Salt, out ImageHeader image)) continue;
                IndexEntry entry = Applier.EntryOf(image, new Placement(number, next.Offset), (image.Flags & ~EntryFlags.Recall) | EntryFlags.InUse | (type == TransactionType.Archived ? EntryFlags.Archived : 0));
                if (ImageFrames.Verify(new ContiguousImage(segment, entry), entry, identity.Salt, buffer, out _, out _) is not null) continue;
                offset = next.Offset + entry.ImageLength;
                if (index.Find(entry.Id) >= 0 || (found.TryGetValue(entry.Id, out var other) && other.Lsn > next.Header.Lsn)) continue;
                found[entry.Id] = (next.Header.Lsn, entry);
            }
        }
        foreach ((_, IndexEntry entry) in found.Values.OrderBy(f => f.Entry.Id.ToGuid())) Add(entry);
    }

    /// <summary>A type of a newer version is no reason to give up the rest.</summary>
    private static bool IsKnown(TransactionType type) => Enum.IsDefined(type);
}
