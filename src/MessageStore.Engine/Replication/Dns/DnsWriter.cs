using System.Buffers.Binary;

namespace MessageStore.Replication.Dns;

/// <summary>Writes the parts of a DNS message, names uncompressed. Not thread-safe.</summary>
internal sealed class DnsWriter
{
    private byte[] bytes = new byte[128];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => bytes.AsSpan(0, Length);

    public void Write(byte value) => Take(1)[0] = value;

    public void Write(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(sizeof(ushort)), value);

    public void Write(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(sizeof(uint)), value);

    public void Write(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    public void Write(DnsName name) => Write(name.Wire);

    public void Write(DnsRecord record)
    {
        Write(record.Name);
        Write((ushort)record.Type);
        Write((ushort)record.Class);
        Write(record.Ttl);
        Write((ushort)record.Data.Length);
        Write(record.Data);
    }

    private Span<byte> Take(int count)
    {
        if (bytes.Length - Length < count) Array.Resize(ref bytes, Math.Max(bytes.Length * 2, Length + count));
        Length += count;
        return bytes.AsSpan(Length - count, count);
    }
}
