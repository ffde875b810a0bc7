using System.Buffers.Binary;
using System.IO.Compression;
using MessageStore.IO;

namespace MessageStore.Messages;

/// <summary>
/// Unpacks a gzip file of any number of members (RFC 1952 §2.2) and, other than <see cref="GZipStream"/>, notices where it is cut: that one takes the
/// end of the file for the end of the data. What lies before the damage comes out first.
/// </summary>
/// <remarks>
/// The platform's inflater does not say where in its input a member ended. But the eight bytes that end it, CRC-32 and length, are
/// known once its data is out, so they are looked for in the last piece of input: sixty-four bits do not stand there by chance. If they are not found, the
/// data is not what was packed. <see cref="GzipInput"/> keeps the next member, which may be an equal one, out of that piece.
/// </remarks>
/// <param name="source">The compressed file, seekable and buffered; closed with this stream.</param>
internal sealed class GzipMemberStream(Stream source) : ReadStream
{
    private const int TrailerLength = 8;

    /// <summary>How far before the last piece of input a member's data may end: the inflater holds back a few bits.</summary>
    private const int BitsHeldBack = 16;

    private readonly GzipInput input = new(source);
    private DeflateStream? inflater;
    private long memberOffset;
    private long dataOffset;
    private uint crc;
    private uint length;
    private bool atEnd;

    /// <summary>Offset in the compressed file of the member that is being read.</summary>
    public long MemberOffset => memberOffset;

    /// <exception cref="BrokenGzipException">The file is cut or damaged; everything before was handed out.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty && !atEnd)
        {
            if (inflater is null && !BeginMember()) return 0;
            int read = Inflate(buffer);
            if (read > 0)
            {
                crc = GzipCrc32.Compute(buffer[..read], crc);
                length += (uint)read;
                return read;
            }
            EndMember();
        }
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inflater?.Dispose();
            source.Dispose();
        }
        base.Dispose(disposing);
    }

    private int Inflate(Span<byte> buffer)
    {
        try
        {
            return inflater!.Read(buffer);
        }
        catch (InvalidDataException error)
        {
            throw Damaged("its compressed data is damaged", error);
        }
    }

    private bool BeginMember()
    {
        memberOffset = source.Position;
        if (memberOffset > 0 && OnlyZerosFollow())
        {
            atEnd = true;
            return false;
        }
        if (!GzipHeader.TryRead(source, out bool isCut))
        {
            if (isCut) throw Cut();
            throw Damaged("no gzip member begins there");
        }
        dataOffset = source.Position;
        input.Begin();
        crc = 0;
        length = 0;
        inflater = new DeflateStream(input, CompressionMode.Decompress, leaveOpen: true);
        return true;
    }

    private void EndMember()
    {
        inflater!.Dispose();
        inflater = null;
        long from = Math.Max(dataOffset, input.LastRead - BitsHeldBack);
        Span<byte> tail = stackalloc byte[TrailerLength];
        BinaryPrimitives.WriteUInt32LittleEndian(tail, crc);
        BinaryPrimitives.WriteUInt32LittleEndian(tail[4..], length);
        byte[] bytes = new byte[(int)(input.LastRead + input.LastLength - from) + TrailerLength];
        source.Position = from;
        int filled = source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        ReadOnlySpan<byte> window = bytes.AsSpan(0, filled);
        int found = FindTail(window, tail);
        if (found < 0)
        {
            if (input.ReachedEnd || (source.Position == source.Length && !EndsWithHalf(window, tail))) throw Cut();
            throw Damaged("its checksum does not fit its data");
        }
        source.Position = from + found + TrailerLength;
    }

    /// <summary>
    /// Whether the file's last eight bytes are a checksum or a length that fits: then the other of them is damaged. If neither fits, the file
    /// ends too early.
    /// </summary>
    private static bool EndsWithHalf(ReadOnlySpan<byte> window, ReadOnlySpan<byte> tail) =>
        window.Length >= TrailerLength && (window[^8..^4].SequenceEqual(tail[..4]) || window.EndsWith(tail[4..]));

    private static int FindTail(ReadOnlySpan<byte> window, ReadOnlySpan<byte> tail)
    {
        int at = window.IndexOf(tail);
        // An empty member's tail is all zeros, and so may be the end of its data: the last of the zeros is the tail's.
        if (at >= 0 && !tail.ContainsAnyExcept((byte)0))
        {
            while (at + tail.Length < window.Length && window[at + tail.Length] == 0) at++;
        }
        return at;
    }

    /// <summary>Tapes and some tools pad with zeros.</summary>
    private bool OnlyZerosFollow()
    {
        long start = source.Position;
        int b = source.ReadByte();
        while (b == 0) b = source.ReadByte();
        if (b < 0) return true;
        source.Position = start;
        return false;
    }

    private BrokenGzipException Cut() => new(true, source.Length, $"the gzip file ends in the middle of the member at offset {memberOffset}");

    private BrokenGzipException Damaged(string why, Exception? inner = null) =>
        new(false, memberOffset, $"the gzip member at offset {memberOffset} is damaged: {why}", inner);
}
