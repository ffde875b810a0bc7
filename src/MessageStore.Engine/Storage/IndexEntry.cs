using System.Runtime.InteropServices;

namespace MessageStore.Storage;

/// <summary>
/// All that memory holds of a message: 72 bytes (docs/format-segment.md). Written to snapshots as it lies, little-endian.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4, Size = Size)]
internal struct IndexEntry
{
    public const int Size = 72;

    public UInt128Bytes Id;
    /// <summary>First 16 bytes of the SHA-256 of the raw message.</summary>
    public UInt128Bytes ContentDigest;
    public long ReceivedTicks;
    /// <summary>Slot of the mailbox's next message in order of arrival, -1 at the end.</summary>
    public int Next;
    public int Previous;
    public int Segment;
    /// <summary>Position of the image in its segment, in units of 8 bytes.</summary>
    public uint Offset8;
    public int Length;
    public int Mailbox;
    public ushort Folder;
    public EntryFlags Flags;
    public ushort SummaryLength;
    public ushort Zero;

    public readonly bool IsInUse => (Flags & EntryFlags.InUse) != 0;
    public readonly bool IsArchived => (Flags & EntryFlags.Archived) != 0;
    public readonly bool IsTagged => (Flags & EntryFlags.Tagged) != 0;
    public readonly long Offset => (long)Offset8 * 8;

    /// <summary>Bytes that the image takes in its segment.</summary>
    public readonly long ImageLength => ImageHeader.ImageLength(IsArchived ? 0 : Length, SummaryLength);

    /// <summary>This message's share of the state digest.</summary>
    public readonly UInt128 StateHash()
    {
        ulong state = ((ulong)(uint)Mailbox << 32) | ((ulong)Folder << 16) | (ushort)(Flags & ~EntryFlags.InUse);
        return StateDigest.Mix(Id, ContentDigest, (ulong)ReceivedTicks, ((ulong)(uint)Length << 32) ^ StateDigest.Scramble(state));
    }
}

/// <summary>Sixteen bytes as they lie, compared without a copy.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly record struct UInt128Bytes(ulong Low, ulong High)
{
    public static UInt128Bytes Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<UInt128Bytes>(bytes);

    public void Write(Span<byte> bytes) => MemoryMarshal.Write(bytes, in this);

    /// <summary>From a UUID, in network byte order.</summary>
    public static UInt128Bytes From(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return Read(bytes);
    }

    public Guid ToGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Write(bytes);
        return new Guid(bytes, bigEndian: true);
    }
}
