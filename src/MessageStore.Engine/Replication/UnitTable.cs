using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>From a message's tag (<see cref="IdTag"/>) to where its record lies in a unit: 20 to 40 bytes a record. A hit is to be confirmed against the record. Not thread-safe.</summary>
internal sealed class UnitTable
{
    /// <summary>Most volumes of a unit.</summary>
    public const int VolumeLimit = 1 << 24;

    private const int OffsetBits = 40;
    private const long OffsetMask = (1L << OffsetBits) - 1;

    private readonly PlaceTable<long> places = new(); // volume and offset; the first record of a volume lies behind its block header, so that no place is 0

    public int Count => places.Count;

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => places.Bytes;

    /// <param name="volume">Number of the volume in its unit, less than <see cref="VolumeLimit"/>.</param>
    /// <param name="offset">Where the record begins, more than 0 and less than 1 TiB.</param>
    public void Add(ulong tag, int volume, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)volume, (uint)VolumeLimit);
        if (offset is <= 0 or > OffsetMask) throw new ArgumentOutOfRangeException(nameof(offset), offset, "No record lies there.");
        places.Add(tag, Place(volume, offset));
    }

    /// <summary>Steps through the places under a tag: begin with <paramref name="cursor"/> -1. The table must not change in between.</summary>
    public bool TryNext(ulong tag, ref int cursor, out int volume, out long offset)
    {
        bool found = places.TryNext(tag, ref cursor, out long place);
        (volume, offset) = ((int)(place >>> OffsetBits), place & OffsetMask);
        return found;
    }

    public bool Contains(ulong tag, int volume, long offset) => places.Contains(tag, Place(volume, offset));

    public bool Remove(ulong tag, int volume, long offset) => places.Remove(tag, Place(volume, offset));

    /// <summary>Removes all places in a volume, at the price of looking at every slot.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveVolume(int volume) => places.RemoveWhere(place => (int)(place >>> OffsetBits) == volume);

    private static long Place(int volume, long offset) => ((long)volume << OffsetBits) | offset;
}
