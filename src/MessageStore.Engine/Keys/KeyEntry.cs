using System.Buffers.Binary;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>What an entry of the key journal says.</summary>
internal enum KeyEntryKind : byte
{
    Volume = 1,
    Key = 2,
    Removal = 3,
}

/// <summary>
/// Reads and writes the entries of the key journal. Keep in step with docs/format-keys.md, which has them byte by byte. All entries begin with kind (1),
/// flags (1) and length (2) and take a multiple of 8 bytes.
/// </summary>
internal static class KeyEntry
{
    /// <summary>Bytes that every entry begins with.</summary>
    public const int PrefixSize = 4;

    /// <summary>The largest entry.</summary>
    public const int MaximumSize = 32 << 10;

    /// <summary>The largest key entry: the longest mailbox name in UTF-8 and the fixed part.</summary>
    public const int MaximumKeySize = (KeySize + DeletedSize + 3 * StoreLimits.NameLength + 7) & ~7;

    /// <summary>A removal that concerns one target and unit only.</summary>
    public const byte OneCopy = 1;

    /// <summary>A key whose message was deleted: the time of that stands before the mailbox name.</summary>
    private const byte Deleted = 1;

    private const int VolumeSize = 24;
    private const int KeySize = 96;
    private const int DeletedSize = 8;
    private const int RemovalSize = 24;
    private const int IdSize = 16;
    private const int IdAt = 16;
    private const int DigestAt = 48;
    private const int DigestSize = 32;

    public static KeyEntryKind Kind(ReadOnlySpan<byte> entry) => (KeyEntryKind)entry[0];

    /// <summary>Length of the entry at the start of <paramref name="source"/>, or 0 where it makes no sense.</summary>
    public static int Length(ReadOnlySpan<byte> source)
    {
        if (source.Length < PrefixSize) return 0;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(source[2..]);
        int least = (KeyEntryKind)source[0] switch
        {
            KeyEntryKind.Volume => VolumeSize,
            KeyEntryKind.Key => KeySize + ((source[1] & Deleted) != 0 ? DeletedSize : 0),
            KeyEntryKind.Removal => RemovalSize,
            _ => int.MaxValue,
        };
        return length >= least && length <= source.Length && length % 8 == 0 ? length : 0;
    }

    /// <param name="end">Bytes that its keys cover.</param>
    public static int WriteVolume(Span<byte> target, KeyVolume volume, long end)
    {
        int length = Begin(target, KeyEntryKind.Volume, 0, VolumeSize, volume.Target, volume.Unit, volume.Name);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], volume.Number);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], end);
        int at = VolumeSize;
        WriteText(target, ref at, 16, volume.Target);
        WriteText(target, ref at, 18, volume.Unit);
        WriteText(target, ref at, 20, volume.Name);
        return length;
    }

    public static (int Number, long End, string Target, string Unit, string Name) ReadVolume(ReadOnlySpan<byte> entry)
    {
        int at = VolumeSize;
        return (BinaryPrimitives.ReadInt32LittleEndian(entry[4..]), BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
            ReadText(entry, ref at, 16), ReadText(entry, ref at, 18), ReadText(entry, ref at, 20));
    }

    public static int WriteKey(Span<byte> target, ArchiveKey key, int volume, uint salt)
    {
        bool isDeleted = key.DeletedDate is not null;
        int names = KeySize + (isDeleted ? DeletedSize : 0);
        int length = Begin(target, KeyEntryKind.Key, isDeleted ? Deleted : (byte)0, names, key.Mailbox);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], volume);
        WriteId(target[IdAt..], key.Id);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], key.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], key.Length);
        Convert.FromHexString(key.Sha256, target.Slice(DigestAt, DigestSize), out _, out _);
        BinaryPrimitives.WriteInt64LittleEndian(target[80..], key.StorageDate.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(target[88..], key.DeletionDate?.UtcTicks ?? 0);
        if (key.DeletedDate is { } deleted) BinaryPrimitives.WriteInt64LittleEndian(target[KeySize..], deleted.UtcTicks);
        int at = names;
        WriteText(target, ref at, 12, key.Mailbox);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Crc32C.Compute(target[8..length], salt));
        return length;
    }

    /// <summary>Whether a key entry is what was written. Frames are checked as a whole; this is for entries read one by one.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> key, uint salt) =>
        BinaryPrimitives.ReadUInt32LittleEndian(key[4..]) == Crc32C.Compute(key[8..], salt);

    public static int VolumeOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadInt32LittleEndian(key[8..]);

    /// <summary>The Id of a key or a removal, 16 bytes in RFC 9562 order.</summary>
    public static ReadOnlySpan<byte> IdOf(ReadOnlySpan<byte> entry) =>
        entry.Slice(Kind(entry) == KeyEntryKind.Removal ? 8 : IdAt, IdSize);

    /// <summary>Where the record ends in its volume.</summary>
    public static long EndOf(ReadOnlySpan<byte> key) =>
        BinaryPrimitives.ReadInt64LittleEndian(key[32..]) + BinaryPrimitives.ReadInt64LittleEndian(key[40..]);

    public static ArchiveKey ReadKey(ReadOnlySpan<byte> entry, KeyVolume volume)
    {
        bool isDeleted = (entry[1] & Deleted) != 0;
        int at = KeySize + (isDeleted ? DeletedSize : 0);
        long deletion = BinaryPrimitives.ReadInt64LittleEndian(entry[88..]);
        return new ArchiveKey
        {
            Id = new Guid(IdOf(entry), bigEndian: true),
            Mailbox = ReadText(entry, ref at, 12),
            Target = volume.Target,
            Unit = volume.Unit,
            Volume = volume.Name,
            Offset = BinaryPrimitives.ReadInt64LittleEndian(entry[32..]),
            Length = BinaryPrimitives.ReadInt64LittleEndian(entry[40..]),
            Sha256 = Convert.ToHexStringLower(entry.Slice(DigestAt, DigestSize)),
            StorageDate = new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(entry[80..]), TimeSpan.Zero),
            DeletionDate = deletion == 0 ? null : new DateTimeOffset(deletion, TimeSpan.Zero),
            DeletedDate = isDeleted ? new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(entry[KeySize..]), TimeSpan.Zero) : null,
        };
    }

    /// <summary>Writes the removal of every copy, or of one where <paramref name="of"/> names its target and unit.</summary>
    public static int WriteRemoval(Span<byte> target, Guid id, (string Target, string Unit)? of)
    {
        int length = Begin(target, KeyEntryKind.Removal, of is null ? (byte)0 : OneCopy, RemovalSize, of?.Target ?? "", of?.Unit ?? "");
        WriteId(target[8..], id);
        int at = RemovalSize;
        WriteText(target, ref at, 4, of?.Target ?? "");
        WriteText(target, ref at, 6, of?.Unit ?? "");
        return length;
    }

    public static (string Target, string Unit)? ReadRemoval(ReadOnlySpan<byte> entry)
    {
        if ((entry[1] & OneCopy) == 0) return null;
        int at = RemovalSize;
        return (ReadText(entry, ref at, 4), ReadText(entry, ref at, 6));
    }

    /// <summary>Upper bound of the bytes that an entry with these texts takes.</summary>
    public static int Bound(params ReadOnlySpan<string> texts)
    {
        int bytes = KeySize + DeletedSize + 8;
        foreach (string text in texts) bytes += Encoding.UTF8.GetMaxByteCount(text.Length);
        return bytes;
    }

    public static void WriteId(Span<byte> target, Guid id) => id.TryWriteBytes(target, bigEndian: true, out _);

    private static int Begin(Span<byte> target, KeyEntryKind kind, byte flags, int size, params ReadOnlySpan<string> texts)
    {
        foreach (string text in texts) size += Encoding.UTF8.GetByteCount(text);
        int length = (size + 7) & ~7;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumSize, nameof(texts));
        target[..length].Clear();
        target[0] = (byte)kind;
        target[1] = flags;
        BinaryPrimitives.WriteUInt16LittleEndian(target[2..], (ushort)length);
        return length;
    }

    private static void WriteText(Span<byte> entry, ref int at, int lengthAt, string text)
    {
        int count = Encoding.UTF8.GetBytes(text, entry[at..]);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[lengthAt..], (ushort)count);
        at += count;
    }

    private static string ReadText(ReadOnlySpan<byte> entry, ref int at, int lengthAt)
    {
        int count = BinaryPrimitives.ReadUInt16LittleEndian(entry[lengthAt..]);
        string text = Encoding.UTF8.GetString(entry.Slice(at, count));
        at += count;
        return text;
    }
}
