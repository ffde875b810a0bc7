using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MessageStore.Replication.Dns;

/// <summary>A resource record (RFC 1035 §3.2.1).</summary>
/// <param name="Name">Whose it is.</param>
/// <param name="Type">Its type.</param>
/// <param name="Class">Its class.</param>
/// <param name="Ttl">How long it may be kept, in seconds.</param>
/// <param name="Data">Its data; names in it uncompressed and in lower case.</param>
internal sealed record DnsRecord(DnsName Name, DnsType Type, DnsClass Class, uint Ttl, byte[] Data)
{
    private const int TextLimit = 255;

    public static DnsRecord Srv(DnsName name, uint ttl, SrvData data)
    {
        var writer = new DnsWriter();
        writer.Write(data.Priority);
        writer.Write(data.Weight);
        writer.Write(data.Port);
        writer.Write(data.Target);
        return new DnsRecord(name, DnsType.Srv, DnsClass.Internet, ttl, writer.Span.ToArray());
    }

    /// <summary>A TXT record of strings of at most 255 bytes each, in ASCII.</summary>
    public static DnsRecord Text(DnsName name, uint ttl, IEnumerable<string> strings)
    {
        var writer = new DnsWriter();
        foreach (string text in strings)
        {
            if (text.Length > TextLimit || !text.All(char.IsAscii)) throw new ArgumentException($"'{text}' does not fit in a string of a TXT record.", nameof(strings));
            writer.Write((byte)text.Length);
            writer.Write(System.Text.Encoding.ASCII.GetBytes(text));
        }
        return new DnsRecord(name, DnsType.Txt, DnsClass.Internet, ttl, writer.Span.ToArray());
    }

    public static DnsRecord Address(DnsName name, uint ttl, IPAddress address) =>
        new(name, address.AddressFamily == AddressFamily.InterNetworkV6 ? DnsType.Aaaa : DnsType.A, DnsClass.Internet, ttl, address.GetAddressBytes());

    /// <summary>The data of an SRV record; <see langword="null"/> where it is none.</summary>
    public SrvData? AsSrv()
    {
        var reader = new DnsReader(Data);
        return Type == DnsType.Srv && reader.TryRead(out ushort priority) && reader.TryRead(out ushort weight) && reader.TryRead(out ushort port)
            && reader.TryRead(out DnsName target) && reader.AtEnd ? new SrvData(priority, weight, port, target) : null;
    }

    /// <summary>The strings of a TXT record; <see langword="null"/> where it is none. Bytes that are not ASCII come as <c>?</c>.</summary>
    public IReadOnlyList<string>? AsText()
    {
        if (Type != DnsType.Txt) return null;
        var strings = new List<string>();
        for (int at = 0; at < Data.Length; at += Data[at] + 1)
        {
            if (at + 1 + Data[at] > Data.Length) return null;
            strings.Add(System.Text.Encoding.ASCII.GetString(Data, at + 1, Data[at]));
        }
        return strings;
    }

    /// <summary>The address of an A or AAAA record; <see langword="null"/> where it is none.</summary>
    public IPAddress? AsAddress() => (Type, Data.Length) is (DnsType.A, 4) or (DnsType.Aaaa, 16) ? new IPAddress(Data) : null;

    /// <summary>What a CNAME record stands for; <see langword="null"/> where it is none.</summary>
    public DnsName? AsAlias()
    {
        var reader = new DnsReader(Data);
        return Type == DnsType.Cname && reader.TryRead(out DnsName name) && reader.AtEnd ? name : null;
    }

    /// <summary>For how many seconds this SOA record lets an answer of "there is none" be kept (RFC 2308 §5); <see langword="null"/> where it is none.</summary>
    public uint? AsNegativeTtl() =>
        Type == DnsType.Soa && Data.Length >= sizeof(uint) ? Math.Min(Ttl, BinaryPrimitives.ReadUInt32BigEndian(Data.AsSpan(Data.Length - sizeof(uint)))) : null;

    public bool Equals(DnsRecord? other) =>
        other is not null && Name.Equals(other.Name) && Type == other.Type && Class == other.Class && Ttl == other.Ttl && Data.AsSpan().SequenceEqual(other.Data);

    public override int GetHashCode() => HashCode.Combine(Name, Type, Class, Ttl, Data.Length);
}

/// <summary>Where a service is (RFC 2782).</summary>
internal sealed record SrvData(ushort Priority, ushort Weight, ushort Port, DnsName Target);
