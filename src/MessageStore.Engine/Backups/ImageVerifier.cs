using System.Runtime.InteropServices;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Verifies the checksum of every live image while a segment streams by, so that damage in the store is found by the backup that would otherwise carry
/// it along. Holds eight bytes a message.
/// </summary>
internal sealed class ImageVerifier
{
    private readonly record struct Extent(int Segment, uint Offset8) : IComparable<Extent>
    {
        public int CompareTo(Extent other) => Segment != other.Segment ? Segment.CompareTo(other.Segment) : Offset8.CompareTo(other.Offset8);
    }

    private readonly List<Extent> extents = [];
    private readonly uint salt;
    private readonly byte[] head = new byte[FrameHeader.Size];
    private int next;
    private int segment;
    private int headFilled;
    private long frameStart = -1;
    private FrameHeader frame;
    private long payloadLeft;
    private uint crc;
    private bool sorted;

    public ImageVerifier(uint salt) => this.salt = salt;

    public long Messages { get; private set; }

    /// <summary>Takes the entries of a page of the snapshot.</summary>
    public void AddPage(ReadOnlySpan<byte> entries)
    {
        foreach (ref readonly IndexEntry entry in MemoryMarshal.Cast<byte, IndexEntry>(entries))
        {
            if (!entry.IsInUse) continue;
            Messages++;
            int frames = entry.IsArchived ? 1 : ImageHeader.FrameCount(entry.Length);
            extents.Add(new Extent(entry.Segment, entry.Offset8));
            for (int part = 1; part < frames; part++)
                extents.Add(new Extent(entry.Segment, (uint)((entry.Offset + ImageHeader.PartOffset(part, entry.SummaryLength)) / 8)));
        }
    }

    /// <param name="from">Images before this offset are not fed.</param>
    public void BeginSegment(int number, long from = 0)
    {
        if (!sorted) extents.Sort();
        sorted = true;
        segment = number;
        int found = extents.BinarySearch(new Extent(number, (uint)(from / FrameHeader.Alignment)));
        next = found < 0 ? ~found : found;
        frameStart = -1;
    }

    /// <summary>Looks at the bytes of the segment from <paramref name="offset"/> on; blocks come in order without gaps.</summary>
    /// <returns>Where in the segment a damaged image lies, or -1.</returns>
    public long Feed(ReadOnlySpan<byte> block, long offset)
    {
        int position = 0;
        while (true)
        {
            if (frameStart < 0)
            {
                if (next == extents.Count || extents[next].Segment != segment) return -1;
                long start = (long)extents[next].Offset8 * 8;
                if (start >= offset + block.Length) return -1;
                if (start < offset + position) return start; // two images overlap: the index is wrong
                position = (int)(start - offset);
                frameStart = start;
                headFilled = 0;
                payloadLeft = -1;
                next++;
            }
            if (payloadLeft < 0)
            {
                int count = Math.Min(FrameHeader.Size - headFilled, block.Length - position);
                block.Slice(position, count).CopyTo(head.AsSpan(headFilled));
                headFilled += count;
                position += count;
                if (headFilled < FrameHeader.Size) return -1;
                if (!FrameHeader.TryRead(head, salt, out frame)) return frameStart;
                payloadLeft = frame.PayloadLength;
                crc = salt;
            }
            int here = (int)Math.Min(payloadLeft, block.Length - position);
            crc = Crc32C.Compute(block.Slice(position, here), crc);
            payloadLeft -= here;
            position += here;
            if (payloadLeft > 0) return -1;
            if (crc != frame.PayloadCrc) return frameStart;
            frameStart = -1;
        }
    }

    /// <summary>Where an image lies that the segment ended in the middle of, or that it never came to; -1 where all were seen.</summary>
    public long EndSegment()
    {
        if (frameStart >= 0) return frameStart;
        return next < extents.Count && extents[next].Segment == segment ? (long)extents[next].Offset8 * 8 : -1;
    }
}
