using System.Buffers.Binary;

namespace MessageStore.Replication.Dns;

/// <summary>Reads the parts of a DNS message (RFC 1035 §4). The bytes come from strangers: everything is checked, nothing throws.</summary>
/// <param name="message">The whole message, for compression pointers count from its start.</param>
internal ref struct DnsReader(ReadOnlySpan<byte> message)
{
    private const int PointerMark = 0xC0;

    /// <summary>Most compression pointers in a name: no more labels than this fit in one, and each pointer of an honest server saves a label.</summary>
    private const int PointerLimit = DnsName.MaximumLength / 2;

    private readonly ReadOnlySpan<byte> message = message;

    public int Position { get; set; }

    public readonly bool AtEnd => Position == message.Length;

    public bool TryRead(out ushort value)
    {
        bool there = TryRead(sizeof(ushort), out ReadOnlySpan<byte> bytes);
        value = there ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : default;
        return there;
    }

    public bool TryRead(out uint value)
    {
        bool there = TryRead(sizeof(uint), out ReadOnlySpan<byte> bytes);
        value = there ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : default;
        return there;
    }

    public bool TryRead(int count, out ReadOnlySpan<byte> bytes)
    {
        bool there = count <= message.Length - Position;
        bytes = there ? message.Slice(Position, count) : default;
        if (there) Position += count;
        return there;
    }

    /// <summary>Reads a name and follows its pointers. Each must point before the place where the last stretch began, so no loop is possible.</summary>
    public bool TryRead(out DnsName name)
    {
        name = DnsName.Root;
        Span<byte> wire = stackalloc byte[DnsName.MaximumLength];
        int length = 0, at = Position, stretch = Position, pointers = 0, end = -1;
        while (true)
        {
            if (at >= message.Length) return false;
            int first = message[at];
            if (first >= PointerMark)
            {
                if (at + 1 >= message.Length || ++pointers > PointerLimit) return false;
                int to = (first & ~PointerMark) << 8 | message[at + 1];
                if (to >= stretch) return false;
                if (end < 0) end = at + 2;
                at = stretch = to;
                continue;
            }
            if (first > DnsName.MaximumLabelLength || at + 1 + first > message.Length || length + 1 + first > DnsName.MaximumLength) return false;
            wire[length++] = (byte)first;
            foreach (byte b in message.Slice(at + 1, first)) wire[length++] = b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
            at += 1 + first;
            if (first == 0) break;
        }
        Position = end < 0 ? at : end;
        name = new DnsName(wire[..length].ToArray());
        return true;
    }
}
