using System.Net;
using System.Net.NetworkInformation;
using MessageStore.IO;
using MessageStore.Replication.Dns;

namespace MessageStore.Replication;

/// <summary>Opens the directory of storage server records that a setting names: a file, or a zone in DNS.</summary>
internal static class StorageDirectories
{
    private const string DnsScheme = "dns:";
    private const string KeyParameter = "key=";
    private const int DnsPort = 53;

    /// <summary>Opens a directory.</summary>
    /// <param name="place">
    /// The path of a file, or <c>dns://server[:port][,server…]/zone[?key=&lt;key file&gt;]</c> in the manner of RFC 4501; <c>dns:zone</c> asks the servers that the system asks.
    /// The key file is as <c>tsig-keygen</c> writes it.
    /// </param>
    /// <param name="storage">Where file and key file lie.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="MessageStoreException">InvalidParameter; PathNotFound, AccessDenied for the key file.</exception>
    public static IStorageDirectory Open(string place, IStorage storage, TimeProvider time)
    {
        if (!place.StartsWith(DnsScheme, StringComparison.OrdinalIgnoreCase)) return new FileStorageDirectory(storage, Path.GetFullPath(place), time);
        string rest = place[DnsScheme.Length..];
        string? servers = null, parameter = null;
        if (rest.IndexOf('?') is var question and >= 0) (rest, parameter) = (rest[..question], rest[(question + 1)..]);
        if (rest.StartsWith("//", StringComparison.Ordinal))
        {
            int slash = rest.IndexOf('/', 2);
            if (slash < 0) throw Invalid(place, "it names no zone");
            (servers, rest) = (rest[2..slash], rest[(slash + 1)..]);
        }
        if (rest.Length == 0) throw Invalid(place, "it names no zone");
        if (parameter is not null && (!parameter.StartsWith(KeyParameter, StringComparison.Ordinal) || !Path.IsPathFullyQualified(parameter[KeyParameter.Length..])))
            throw Invalid(place, $"only ?{KeyParameter}<full path of a key file> may follow the zone");
        var options = new DnsClientOptions
        {
            Servers = servers is null ? SystemServers(place) : [.. servers.Split(',').Select(s => Server(s, place))],
            Key = parameter is null ? null : TsigKey.Load(storage, parameter[KeyParameter.Length..]),
        };
        return new DnsStorageDirectory(new DnsClient(options, time), DnsName.Parse(rest));
    }

    /// <summary>The name of a directory that holds wherever one is: a file's full path, or what names DNS as it is.</summary>
    public static string FullName(string place) => place.StartsWith(DnsScheme, StringComparison.OrdinalIgnoreCase) ? place : Path.GetFullPath(place);

    private static IPEndPoint Server(string text, string place)
    {
        if (!IPEndPoint.TryParse(text, out IPEndPoint? server)) throw Invalid(place, $"'{text}' is no address of a name server, such as 192.0.2.1, 192.0.2.1:5353 or [2001:db8::1]:5353");
        return server.Port == 0 ? new IPEndPoint(server.Address, DnsPort) : server;
    }

    private static List<IPEndPoint> SystemServers(string place)
    {
        List<IPEndPoint> servers = [.. NetworkInterface.GetAllNetworkInterfaces()
            .Where(n => n.OperationalStatus == OperationalStatus.Up || n.NetworkInterfaceType == NetworkInterfaceType.Loopback)
            .SelectMany(n => n.GetIPProperties().DnsAddresses)
            .Where(a => !a.IsIPv6SiteLocal)
            .Distinct()
            .Select(a => new IPEndPoint(a, DnsPort))];
        return servers.Count > 0 ? servers : throw Invalid(place, "this machine has no name server set; name one, as in dns://192.0.2.1/example.org");
    }

    private static MessageStoreException Invalid(string place, string problem) =>
        new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"'{place}' names no directory of storage nodes: {problem}.", place);
}
