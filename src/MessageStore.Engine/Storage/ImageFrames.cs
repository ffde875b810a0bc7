using System.Buffers.Binary;
using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>The frames of one image: where each lies, and whether its bytes are what was written.</summary>
internal static class ImageFrames
{
    /// <summary>The longest frame of any image in bytes.</summary>
    public static readonly int Longest = FrameHeader.FrameLength(ImageHeader.Size + ushort.MaxValue + ImageHeader.PartBytes);

    public static int Count(in IndexEntry entry) => entry.IsArchived ? 1 : ImageHeader.FrameCount(entry.Length);

    /// <summary>Position of a frame relative to the first.</summary>
    public static long OffsetOf(in IndexEntry entry, int part) => part == 0 ? 0 : ImageHeader.PartOffset(part, entry.SummaryLength);

    /// <summary>Bytes of a frame, padding included.</summary>
    public static int LengthOf(in IndexEntry entry, int part) => FrameHeader.FrameLength(HeadLength(entry, part) + BodyLength(entry, part));

    /// <summary>The piece of the body in a frame that <see cref="Problem"/> found nothing wrong with.</summary>
    public static ReadOnlySpan<byte> Body(ReadOnlySpan<byte> frame, in IndexEntry entry, int part) =>
        frame.Slice(FrameHeader.Size + HeadLength(entry, part), BodyLength(entry, part));

    /// <summary>What is wrong with a frame; <see langword="null"/> where it is the one that the index means.</summary>
    public static string? Problem(ReadOnlySpan<byte> frame, in IndexEntry entry, int part, uint salt)
    {
        if (frame.Length < LengthOf(entry, part)) return "the file ends within it";
        if (!FrameHeader.TryRead(frame, salt, out FrameHeader header)) return "there is no frame";
        if (header.PayloadLength != HeadLength(entry, part) + BodyLength(entry, part)) return "the frame has another length";
        ReadOnlySpan<byte> payload = frame.Slice(FrameHeader.Size, header.PayloadLength);
        if (!header.Matches(payload, salt)) return "its checksum does not hold";
        if (UInt128Bytes.Read(payload) != entry.Id) return "another message lies there";
        if (part > 0) return BinaryPrimitives.ReadInt32LittleEndian(payload[16..]) == part ? null : "another part lies there";
        if (!ImageHeader.TryRead(payload, salt, out ImageHeader image)) return "its header is not valid";
        bool same = image.SummaryLength == entry.SummaryLength && image.BodyLength == entry.Length && image.DigestLow == entry.ContentDigest
            && image.ReceivedTicks == entry.ReceivedTicks;
        return same ? null : "it is not what the index says";
    }

    /// <summary>Reads a whole image and compares all its checksums, the SHA-256 of the message included.</summary>
    /// <param name="buffer">At least <see cref="Longest"/> bytes.</param>
    /// <param name="problemOffset">Where a frame with a problem begins, relative to the image.</param>
    /// <returns>What is wrong; <see langword="null"/> for nothing.</returns>
    public static string? Verify(ImageSource source, in IndexEntry entry, uint salt, byte[] buffer, out ImageHeader image, out long problemOffset)
    {
        image = default;
        problemOffset = 0;
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int parts = Count(entry);
        for (int part = 0; part < parts; part++)
        {
            int length = LengthOf(entry, part);
            ReadOnlySpan<byte> frame = buffer.AsSpan(0, source.Read(part, buffer.AsSpan(0, length)));
            if (Problem(frame, entry, part, salt) is { } problem)
            {
                problemOffset = OffsetOf(entry, part);
                return problem;
            }
            if (part == 0) ImageHeader.TryRead(frame[FrameHeader.Size..], salt, out image);
            sha256.AppendData(Body(frame, entry, part));
        }
        if (entry.IsArchived) return null;
        Span<byte> found = stackalloc byte[32];
        sha256.GetHashAndReset(found);
        return UInt128Bytes.Read(found) == image.DigestLow && UInt128Bytes.Read(found[16..]) == image.DigestHigh ? null : "its SHA-256 is another";
    }

    public static int HeadLength(in IndexEntry entry, int part) => part == 0 ? ImageHeader.Size + entry.SummaryLength : ImageHeader.PartHeaderSize;

    public static int BodyLength(in IndexEntry entry, int part) =>
        entry.IsArchived ? 0 : (int)Math.Min(ImageHeader.PartBytes, entry.Length - (long)part * ImageHeader.PartBytes);
}
