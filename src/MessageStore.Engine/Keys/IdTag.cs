using System.Buffers.Binary;

namespace MessageStore.Keys;

/// <summary>What stands for an Id in a <see cref="PlaceTable{TPlace}"/>: 64 bits, so that a hit is to be confirmed where the place points.</summary>
internal static class IdTag
{
    private const ulong Mixer = 0x9E37_79B9_7F4A_7C15;

    /// <summary>The tag of an Id in RFC 9562 byte order. The last 62 bits of a UUIDv7 are random already.</summary>
    /// <param name="id">16 bytes.</param>
    public static ulong Of(ReadOnlySpan<byte> id) => Hash(BinaryPrimitives.ReadUInt64BigEndian(id)) ^ BinaryPrimitives.ReadUInt64BigEndian(id[8..]);

    public static ulong Of(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return Of(bytes);
    }

    /// <summary>Spreads tags over the table: its first bits choose the page, others the slot.</summary>
    public static ulong Hash(ulong tag) => tag * Mixer;
}
