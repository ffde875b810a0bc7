using System.Buffers.Binary;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>
/// One journal file with the table of what lives in it. A compaction makes the next one; the old stays readable until the last who reads it is
/// done. Guarded by the key manager's lock, except for <see cref="File"/>, which anybody who holds a lease may read.
/// </summary>
internal sealed class KeyGeneration : IDisposable
{
    /// <summary>Payload of the head frame: format (4), zero (4), generation (8), newest sequence number of the compacted image (8).</summary>
    public const int HeadPayload = 24;

    /// <summary>Positions in the journal count units of this many bytes, so that 32 bits reach 32 GiB.</summary>
    public const int PositionUnit = 8;

    private const string Prefix = "keys-";
    private const string Suffix = ".journal";

    private readonly uint salt;
    private int leases = 1;

    public KeyGeneration(IStorageFile file, long number, uint salt)
    {
        File = file;
        Number = number;
        this.salt = salt;
    }

    public IStorageFile File { get; }

    public long Number { get; }

    public PlaceTable<uint> Table { get; } = new();

    /// <summary>A volume keeps its number from one generation to the next.</summary>
    public KeyVolumes Volumes { get; } = new();

    /// <summary>What was read lately: whoever asks for a message again and again does not read its key each time.</summary>
    public RecentKeys Recent { get; } = new();

    /// <summary>Where the next frame goes, in bytes.</summary>
    public long End { get; set; }

    public ulong NextLsn { get; set; } = 1;

    /// <summary>Bytes of entries that still count.</summary>
    public long LiveBytes { get; private set; }

    public static string PathOf(string folder, long number) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:D8}{Suffix}"));

    /// <summary>The number in a journal's file name.</summary>
    public static bool TryParse(string path, out long number)
    {
        string name = Path.GetFileName(path);
        number = 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    public static void WriteHead(KeyFrames frames, long number, ulong imageLsn)
    {
        Span<byte> head = frames.Reserve(HeadPayload)[..HeadPayload];
        head.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(head, KeySettings.CurrentFormat);
        BinaryPrimitives.WriteInt64LittleEndian(head[8..], number);
        BinaryPrimitives.WriteUInt64LittleEndian(head[16..], imageLsn);
        frames.Advance(HeadPayload);
        frames.Close(KeyFrameType.Head);
    }

    public static (int Format, long Number, ulong ImageLsn) ReadHead(ReadOnlySpan<byte> payload) =>
        (BinaryPrimitives.ReadInt32LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]));

    /// <summary>Lets the entries of one frame take effect: the same code for a replay and for what has just been made durable.</summary>
    /// <param name="payload">The frame's payload.</param>
    /// <param name="offset">Where the payload lies in the file.</param>
    /// <returns>The number of keys removed by removals; replaced ones do not count.</returns>
    public long Apply(ReadOnlySpan<byte> payload, long offset)
    {
        long removed = 0;
        while (!payload.IsEmpty)
        {
            int length = KeyEntry.Length(payload);
            if (length == 0) throw Damage(offset, "An entry there makes no sense.");
            ReadOnlySpan<byte> entry = payload[..length];
            switch (KeyEntry.Kind(entry))
            {
                case KeyEntryKind.Volume:
                    ApplyVolume(entry, offset);
                    break;
                case KeyEntryKind.Key:
                    ApplyKey(entry, offset);
                    break;
                case KeyEntryKind.Removal:
                    removed += Drop(KeyEntry.IdOf(entry), KeyEntry.ReadRemoval(entry));
                    break;
            }
            payload = payload[length..];
            offset += length;
        }
        return removed;
    }

    /// <summary>Reads the key entry at a position.</summary>
    /// <param name="position">In units of <see cref="PositionUnit"/>.</param>
    /// <param name="buffer">At least <see cref="KeyEntry.MaximumKeySize"/> bytes.</param>
    public ReadOnlySpan<byte> ReadEntry(uint position, Span<byte> buffer)
    {
        long offset = (long)position * PositionUnit;
        int count = File.ReadFully(buffer[..KeyEntry.MaximumKeySize], offset);
        int length = KeyEntry.Length(buffer[..count]);
        if (length == 0 || KeyEntry.Kind(buffer) != KeyEntryKind.Key || !KeyEntry.IsIntact(buffer[..length], salt))
            throw Damage(offset, "The key there is not what was written.");
        return buffer[..length];
    }

    public MessageStoreException Damage(long offset, string detail) => new(
        ErrorIds.KeysDamaged, ErrorKind.Damaged,
        $"{File.Path} is damaged at offset {offset}. {detail} Restore the keys from a backup or rebuild them from the archive files.", File.Path);

    public void Lease() => Interlocked.Increment(ref leases);

    /// <summary>Gives a lease back; the last one closes the file.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref leases) == 0) File.Dispose();
    }

    private void ApplyVolume(ReadOnlySpan<byte> entry, long offset)
    {
        (int number, long end, string target, string unit, string name) = KeyEntry.ReadVolume(entry);
        KeyVolume volume = Volumes.Find(target, unit, name) ?? Volumes.Add(target, unit, name);
        if (volume.Number != number) throw Damage(offset, $"Volume {name} has the wrong number.");
        volume.End = Math.Max(volume.End, end);
        LiveBytes += entry.Length;
    }

    private void ApplyKey(ReadOnlySpan<byte> entry, long offset)
    {
        int number = KeyEntry.VolumeOf(entry);
        if ((uint)number >= (uint)Volumes.Count) throw Damage(offset, "A key there names no volume.");
        KeyVolume volume = Volumes[number];
        ReadOnlySpan<byte> id = KeyEntry.IdOf(entry);
        Drop(id, (volume.Target, volume.Unit));
        Table.Add(IdTag.Of(id), checked((uint)(offset / PositionUnit)));
        volume.End = Math.Max(volume.End, KeyEntry.EndOf(entry));
        LiveBytes += entry.Length;
    }

    /// <summary>Drops the keys of an Id, or the one in a target and unit. Reads the journal only where the table has the Id's tag.</summary>
    private long Drop(ReadOnlySpan<byte> id, (string Target, string Unit)? of)
    {
        ulong tag = IdTag.Of(id);
        int cursor = -1;
        if (!Table.TryNext(tag, ref cursor, out uint position)) return 0;
        long dropped = 0;
        Span<byte> buffer = stackalloc byte[KeyEntry.MaximumKeySize];
        do
        {
            ReadOnlySpan<byte> entry = ReadEntry(position, buffer);
            if (!KeyEntry.IdOf(entry).SequenceEqual(id)) continue;
            KeyVolume volume = Volumes[KeyEntry.VolumeOf(entry)];
            if (of is { } only && (volume.Target != only.Target || volume.Unit != only.Unit)) continue;
            Table.Remove(tag, position);
            LiveBytes -= entry.Length;
            dropped++;
            cursor = -1; // slots have moved
        }
        while (Table.TryNext(tag, ref cursor, out position));
        return dropped;
    }
}
