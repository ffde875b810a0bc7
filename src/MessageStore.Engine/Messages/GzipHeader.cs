using System.Buffers.Binary;

namespace MessageStore.Messages;

/// <summary>The header of a gzip member (RFC 1952 §2.3): only its length matters here.</summary>
internal static class GzipHeader
{
    private const int FixedLength = 10;
    private const byte Deflate = 8;
    private const byte HasHeaderCrc = 0x02;
    private const byte HasExtra = 0x04;
    private const byte HasName = 0x08;
    private const byte HasComment = 0x10;
    private const byte Reserved = 0xE0;

    /// <summary>Whether the bytes, as far as there are any, are those a member begins with.</summary>
    public static bool Begins(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 1 && bytes[0] == 0x1F && (bytes.Length < 2 || bytes[1] == 0x8B);

    /// <summary>Reads to where the compressed data begins.</summary>
    /// <param name="source">A stream positioned at a member.</param>
    /// <param name="isCut">Where there is no header: whether the stream ended in it.</param>
    public static bool TryRead(Stream source, out bool isCut)
    {
        isCut = false;
        Span<byte> header = stackalloc byte[FixedLength];
        int read = source.ReadAtLeast(header, FixedLength, throwOnEndOfStream: false);
        if (read > 0 && !Begins(header[..read])) return false;
        isCut = read < FixedLength;
        if (isCut || header[2] != Deflate || (header[3] & Reserved) != 0) return false;
        byte flags = header[3];
        isCut = true;
        if ((flags & HasExtra) != 0 && !SkipExtra(source)) return false;
        if ((flags & HasName) != 0 && !SkipText(source)) return false;
        if ((flags & HasComment) != 0 && !SkipText(source)) return false;
        if ((flags & HasHeaderCrc) != 0 && !Skip(source, sizeof(ushort))) return false;
        isCut = false;
        return true;
    }

    private static bool SkipExtra(Stream source)
    {
        Span<byte> length = stackalloc byte[sizeof(ushort)];
        return source.ReadAtLeast(length, length.Length, throwOnEndOfStream: false) == length.Length
            && Skip(source, BinaryPrimitives.ReadUInt16LittleEndian(length));
    }

    private static bool SkipText(Stream source)
    {
        int b = source.ReadByte();
        while (b > 0) b = source.ReadByte();
        return b == 0;
    }

    private static bool Skip(Stream source, int count)
    {
        if (source.Position + count > source.Length) return false;
        source.Position += count;
        return true;
    }
}
