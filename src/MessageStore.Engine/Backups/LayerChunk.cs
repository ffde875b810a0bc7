using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Packs the content of a chunk of a layer and unpacks it (docs/format-backup.md, "The layer"). Holds no state of its own: many chunks may be in the work at once.
/// </summary>
internal sealed class LayerChunk(LayerHeader layer, LayerKeys? keys)
{
    /// <summary>In front of the stored bytes.</summary>
    public const int HeaderSize = 40;

    private const int BoundBytes = 24; // of the header, what the tag vouches for
    private const int TagBytes = 16;
    private const int NonceBytes = 12;
    private const int IdBytes = 16;
    private const int IsCompressed = 1;
    private const int IsLast = 2;

    /// <summary>Brotli at its quickest and at a moderate quality, with a window of the length of a chunk or more: what is better takes ten times as long.</summary>
    private const int FastestQuality = 1;
    private const int OptimalQuality = 5;
    private const int WindowBits = 18;

    /// <summary>Every chunk begins so.</summary>
    public static ReadOnlySpan<byte> MagicBytes => "MSLC"u8;

    /// <summary>What a chunk is said to be, before its tag was looked at.</summary>
    internal readonly record struct Header(int Stored, int Length, bool Compressed, bool Last, long Number);

    /// <summary>Room that a chunk may take in the file.</summary>
    public int Largest => HeaderSize + layer.ChunkBytes;

    /// <summary>Packs.</summary>
    /// <param name="content">1 to <see cref="LayerHeader.ChunkBytes"/> bytes.</param>
    /// <param name="chunk">Gets the chunk: <see cref="Largest"/> bytes of room.</param>
    /// <returns>Length of the chunk.</returns>
    public int Pack(ReadOnlySpan<byte> content, long number, bool last, Span<byte> chunk)
    {
        Span<byte> body = chunk[HeaderSize..];
        int quality = layer.Compression == BackupCompression.Optimal ? OptimalQuality : FastestQuality, stored = content.Length;
        // What does not shrink by a byte does not fit, and stays as it is.
        bool compressed = layer.Compression != BackupCompression.None && content.Length > 1 && BrotliEncoder.TryCompress(content, body[..(content.Length - 1)], out stored, quality, WindowBits);
        if (!compressed)
        {
            stored = content.Length;
            content.CopyTo(body);
        }
        MagicBytes.CopyTo(chunk);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[4..], stored);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[8..], content.Length);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[12..], (compressed ? IsCompressed : 0) | (last ? IsLast : 0));
        BinaryPrimitives.WriteInt64LittleEndian(chunk[16..], number);
        Span<byte> tag = chunk.Slice(BoundBytes, TagBytes), bound = stackalloc byte[IdBytes + BoundBytes], nonce = stackalloc byte[NonceBytes];
        Bind(chunk, bound, nonce);
        if (keys is null)
        {
            tag.Clear();
            BinaryPrimitives.WriteUInt32LittleEndian(tag, Crc32C.Compute(body[..stored], Crc32C.Compute(bound)));
            return HeaderSize + stored;
        }
        using var aes = new AesGcm(keys.Cipher, TagBytes);
        aes.Encrypt(nonce, body[..stored], body[..stored], tag, bound);
        return HeaderSize + stored;
    }

    /// <summary>Reads what a chunk is said to be; <see langword="false"/> where that cannot be one.</summary>
    public bool TryRead(ReadOnlySpan<byte> chunk, out Header header)
    {
        header = default;
        if (chunk.Length < HeaderSize || !chunk.StartsWith(MagicBytes)) return false;
        int flags = BinaryPrimitives.ReadInt32LittleEndian(chunk[12..]);
        header = new Header(BinaryPrimitives.ReadInt32LittleEndian(chunk[4..]), BinaryPrimitives.ReadInt32LittleEndian(chunk[8..]), (flags & IsCompressed) != 0, (flags & IsLast) != 0,
            BinaryPrimitives.ReadInt64LittleEndian(chunk[16..]));
        return header is { Number: >= 0, Stored: > 0, Length: > 0 } && header.Length <= layer.ChunkBytes && (header.Last || header.Length == layer.ChunkBytes)
            && (header.Compressed ? header.Stored < header.Length : header.Stored == header.Length) && (flags & ~(IsCompressed | IsLast)) == 0;
    }

    /// <summary>Verifies and unpacks.</summary>
    /// <param name="chunk">All of the chunk; what is stored in it is decrypted in place.</param>
    /// <param name="content">Gets the content: exactly as long as the header says.</param>
    /// <returns>What is wrong; <see langword="null"/> where all is well.</returns>
    public string? Unpack(Span<byte> chunk, in Header header, Span<byte> content)
    {
        Span<byte> body = chunk.Slice(HeaderSize, header.Stored), tag = chunk.Slice(BoundBytes, TagBytes), bound = stackalloc byte[IdBytes + BoundBytes], nonce = stackalloc byte[NonceBytes];
        Bind(chunk, bound, nonce);
        if (keys is null)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(tag) != Crc32C.Compute(body, Crc32C.Compute(bound)) || tag[sizeof(uint)..].ContainsAnyExcept((byte)0)) return "its checksum does not hold";
        }
        else
        {
            try
            {
                using var aes = new AesGcm(keys.Cipher, TagBytes);
                aes.Decrypt(nonce, body, tag, body, bound);
            }
            catch (AuthenticationTagMismatchException)
            {
                return "it is not what was encrypted";
            }
        }
        if (!header.Compressed) body.CopyTo(content);
        else if (!BrotliDecoder.TryDecompress(body, content, out int length) || length != content.Length) return "it cannot be unpacked";
        return null;
    }

    private void Bind(ReadOnlySpan<byte> chunk, Span<byte> bound, Span<byte> nonce)
    {
        layer.Id.TryWriteBytes(bound, bigEndian: true, out _);
        chunk[..BoundBytes].CopyTo(bound[IdBytes..]);
        nonce.Clear();
        chunk.Slice(16, sizeof(long)).CopyTo(nonce);
    }
}
