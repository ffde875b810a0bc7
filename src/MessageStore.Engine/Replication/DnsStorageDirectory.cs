using System.Net;
using MessageStore.Replication.Dns;

namespace MessageStore.Replication;

/// <summary>Storage server records in DNS: SRV records of <c>_messagestore._tcp.&lt;zone&gt;</c> and a TXT record for each node. Form and rules: docs/dns.md.</summary>
/// <param name="client">Asks and changes; nodes need one that reaches a server which takes their updates.</param>
/// <param name="zone">The zone.</param>
internal sealed class DnsStorageDirectory(DnsClient client, DnsName zone) : IStorageDirectory
{
    /// <summary>Most nodes read from a zone.</summary>
    public const int NodeLimit = 1024;

    private const int QuestionsAtATime = 8;

    private static readonly DnsType[] AddressTypes = [DnsType.A, DnsType.Aaaa];

    private readonly DnsName service = zone.Child(NodeRecordForm.ServiceLabels);

    public async ValueTask<IReadOnlyList<StorageServerRecord>> ListAsync(CancellationToken cancellationToken = default)
    {
        IReadOnlyList<DnsRecord> services = await client.QueryAsync(service, DnsType.Srv, cancellationToken: cancellationToken).ConfigureAwait(false);
        List<(string Name, SrvData Srv)> nodes = [.. NodesOf(services).Take(NodeLimit)];
        var records = new StorageServerRecord?[nodes.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = QuestionsAtATime, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, nodes.Count, options, async (n, stop) => records[n] = await ReadAsync(nodes[n].Name, nodes[n].Srv, stop).ConfigureAwait(false)).ConfigureAwait(false);
        return [.. records.OfType<StorageServerRecord>()];
    }

    public async ValueTask RegisterAsync(StorageServerRecord record, CancellationToken cancellationToken = default)
    {
        StorageServerRecords.Check(record);
        NodeRecordForm form = NodeRecordForm.Of(record, zone);
        (List<DnsRecord> changes, _) = await RemovalAsync(record.Name, cancellationToken).ConfigureAwait(false);
        await client.UpdateAsync(zone, [.. changes, .. form.Changes(service, zone)], cancellationToken).ConfigureAwait(false);
    }

    public ValueTask RefreshAsync(StorageServerRecord record, CancellationToken cancellationToken = default) => RegisterAsync(record, cancellationToken);

    public async ValueTask<bool> WithdrawAsync(string name, CancellationToken cancellationToken = default)
    {
        (List<DnsRecord> changes, bool found) = await RemovalAsync(name, cancellationToken).ConfigureAwait(false);
        if (!found) return false;
        await client.UpdateAsync(zone, changes, cancellationToken).ConfigureAwait(false);
        return true;
    }

    /// <summary>The first SRV record of each node, by name: of two, the one of the lower group, then the lower port.</summary>
    private IEnumerable<(string Name, SrvData Srv)> NodesOf(IReadOnlyList<DnsRecord> services) => services
        .Select(r => r.AsSrv())
        .OfType<SrvData>()
        .Select(s => (Name: s.Target.LabelIn(zone) ?? "", Srv: s))
        .Where(n => StorageServerRecords.IsName(n.Name))
        .OrderBy(n => n.Srv.Priority).ThenBy(n => n.Srv.Port).ThenByDescending(n => n.Srv.Weight)
        .DistinctBy(n => n.Name)
        .OrderBy(n => n.Name, StringComparer.Ordinal);

    private async Task<StorageServerRecord?> ReadAsync(string name, SrvData srv, CancellationToken cancellationToken)
    {
        IReadOnlyList<DnsRecord> texts = await client.QueryAsync(NodeRecordForm.TextName(name, zone), DnsType.Txt, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (texts.Select(NodeText.TryParse).FirstOrDefault(t => t is not null) is not { } text) return null;
        string? host = srv.Target.ToString();
        if (text.Scheme == Uri.UriSchemeHttp) host = await AddressAsync(srv.Target, cancellationToken).ConfigureAwait(false);
        if (host is null) return null;
        var record = new StorageServerRecord
        {
            Name = name, Url = $"{text.Scheme}://{host}:{srv.Port}", Group = srv.Priority, Weight = srv.Weight, Units = text.Units, Expires = text.Expires,
        };
        return StorageServerRecords.Problem(record) is null ? record : null;
    }

    /// <summary>The address of a node as a URL has it. The system may know nothing of this zone, so we ask ourselves.</summary>
    private async Task<string?> AddressAsync(DnsName host, CancellationToken cancellationToken)
    {
        foreach (DnsType type in AddressTypes)
        {
            IReadOnlyList<DnsRecord> addresses = await client.QueryAsync(host, type, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (addresses.Select(a => a.AsAddress()).FirstOrDefault(a => a is not null) is { } address) return type == DnsType.A ? address.ToString() : $"[{address}]";
        }
        return null;
    }

    /// <summary>What takes away all that the zone says of a node now, and whether it says anything.</summary>
    private async Task<(List<DnsRecord> Changes, bool Found)> RemovalAsync(string name, CancellationToken cancellationToken)
    {
        DnsName host = zone.Child(name);
        DnsName textName = NodeRecordForm.TextName(name, zone);
        IReadOnlyList<DnsRecord> services = await client.QueryAsync(service, DnsType.Srv, fresh: true, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<DnsRecord> texts = await client.QueryAsync(textName, DnsType.Txt, fresh: true, cancellationToken).ConfigureAwait(false);
        List<DnsRecord> changes = [.. services.Where(s => s.AsSrv() is { } srv && srv.Target.Equals(host)).Select(DnsClient.Delete)];
        bool found = changes.Count > 0 || texts.Count > 0;
        changes.Add(DnsClient.DeleteAll(textName, DnsType.Txt));
        foreach (IPAddress address in texts.Select(t => NodeText.TryParse(t)?.Address).OfType<IPAddress>()) changes.Add(DnsClient.Delete(DnsRecord.Address(host, 0, address)));
        return (changes, found);
    }
}
