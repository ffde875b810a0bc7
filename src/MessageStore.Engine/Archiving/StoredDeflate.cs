using System.Buffers.Binary;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>Deflate without compression: stored blocks (RFC 1951 §3.2.4). Its length is known before a byte is written.</summary>
internal static class StoredDeflate
{
    /// <summary>The largest block.</summary>
    public const int BlockSize = 65_535;

    private const int BlockHeader = 5;

    /// <summary>Bytes that so many bytes take.</summary>
    public static long LengthFor(long length) => length + BlockHeader * Math.Max(1, (length + BlockSize - 1) / BlockSize);

    /// <summary>Writes bytes as blocks.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="last">Whether the deflate stream ends with them.</param>
    /// <param name="target">Where the blocks go.</param>
    public static void Write(ReadOnlySpan<byte> bytes, bool last, PooledBuffer target)
    {
        do
        {
            int count = Math.Min(bytes.Length, BlockSize);
            target.Write([last && count == bytes.Length ? (byte)1 : (byte)0]);
            WriteContent(bytes[..count], target);
            bytes = bytes[count..];
        }
        while (!bytes.IsEmpty);
    }

    /// <summary>Writes what follows the three bits of a block's header, at a whole byte: length, its complement, and at most <see cref="BlockSize"/> bytes.</summary>
    public static void WriteContent(ReadOnlySpan<byte> bytes, PooledBuffer target)
    {
        Span<byte> content = target.GetSpan(BlockHeader - 1 + bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(content, (ushort)bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(content[2..], (ushort)~bytes.Length);
        bytes.CopyTo(content[(BlockHeader - 1)..]);
        target.Advance(BlockHeader - 1 + bytes.Length);
    }

    /// <summary>
    /// Unpacks a deflate stream that is one stored block, without copying; <see langword="false"/> where it is anything else.
    /// </summary>
    public static bool TryReadOneBlock(ReadOnlyMemory<byte> deflated, out ReadOnlyMemory<byte> content)
    {
        content = default;
        ReadOnlySpan<byte> block = deflated.Span;
        if (block.Length < BlockHeader || block[0] != 1) return false;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(block[1..]);
        if ((ushort)~count != BinaryPrimitives.ReadUInt16LittleEndian(block[3..]) || block.Length != BlockHeader + count) return false;
        content = deflated.Slice(BlockHeader, count);
        return true;
    }

    /// <summary>Unpacks a deflate stream of stored blocks; <see langword="false"/> where there are others in it, or it does not fit.</summary>
    public static bool TryRead(ReadOnlySpan<byte> deflated, Span<byte> target)
    {
        while (deflated.Length >= BlockHeader && deflated[0] <= 1)
        {
            bool last = deflated[0] == 1;
            int count = BinaryPrimitives.ReadUInt16LittleEndian(deflated[1..]);
            if ((ushort)~count != BinaryPrimitives.ReadUInt16LittleEndian(deflated[3..])) return false;
            if (count > deflated.Length - BlockHeader || count > target.Length) return false;
            deflated.Slice(BlockHeader, count).CopyTo(target);
            target = target[count..];
            deflated = deflated[(BlockHeader + count)..];
            if (last) return target.IsEmpty && deflated.IsEmpty;
        }
        return false;
    }
}
