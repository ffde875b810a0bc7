using System.Net;

namespace MessageStore.Replication.Dns;

/// <summary>How a storage server record is written in DNS (docs/dns.md).</summary>
/// <param name="Name">The node.</param>
/// <param name="Srv">Path, group and weight.</param>
/// <param name="Text">All the rest.</param>
internal sealed record NodeRecordForm(string Name, SrvData Srv, NodeText Text)
{
    /// <summary>Whose SRV records name the nodes, before the zone.</summary>
    public const string ServiceLabels = "_messagestore._tcp";

    /// <summary>For how long resolvers keep what a node says of itself, in seconds.</summary>
    public const uint Ttl = 30;

    private const string TextLabel = "_messagestore";

    /// <summary>Whose TXT record says more about a node. Not the host's own name, which may be an alias, and then can have no records of its own.</summary>
    public static DnsName TextName(string node, DnsName zone) => zone.Child($"{TextLabel}.{node}");

    /// <exception cref="MessageStoreException">InvalidParameter: DNS cannot hold such a record.</exception>
    public static NodeRecordForm Of(StorageServerRecord record, DnsName zone)
    {
        var url = new Uri(record.Url);
        DnsName host = zone.Child(record.Name);
        IPAddress? address = IPAddress.TryParse(url.DnsSafeHost, out IPAddress? parsed) ? parsed : null;
        if (address is not null && url.Scheme == Uri.UriSchemeHttps)
            throw Invalid(record, $"its URL is {record.Url}, but a certificate names a host. In DNS its URL must be https://{host}:{url.Port}.");
        if (address is null && !IsHost(url.DnsSafeHost, host))
            throw Invalid(record, $"its URL is {record.Url}, but in DNS a node has its name in the zone: {url.Scheme}://{host}:{url.Port}. (An alias of that name may lead anywhere.)");
        var srv = new SrvData((ushort)record.Group, (ushort)record.Weight, (ushort)url.Port, host);
        return new NodeRecordForm(record.Name, srv, new NodeText(url.Scheme, record.Units, record.Expires, address));
    }

    /// <summary>The changes that enter the node.</summary>
    public IEnumerable<DnsRecord> Changes(DnsName service, DnsName zone)
    {
        yield return DnsRecord.Srv(service, Ttl, Srv);
        yield return DnsRecord.Text(TextName(Name, zone), Ttl, Text.ToStrings());
        if (Text.Address is null) yield break;
        yield return DnsClient.DeleteAll(Srv.Target, DnsType.A);
        yield return DnsClient.DeleteAll(Srv.Target, DnsType.Aaaa);
        yield return DnsRecord.Address(Srv.Target, Ttl, Text.Address);
    }

    private static bool IsHost(string text, DnsName host) => text.TrimEnd('.').Equals(host.ToString(), StringComparison.OrdinalIgnoreCase);

    private static MessageStoreException Invalid(StorageServerRecord record, string problem) => new(
        ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The record of storage node '{record.Name}' cannot be kept in DNS: {problem}", record.Name);
}
