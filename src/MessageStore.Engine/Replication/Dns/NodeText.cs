using System.Globalization;
using System.Net;

namespace MessageStore.Replication.Dns;

/// <summary>The TXT record of a storage node: what an SRV record has no place for (docs/dns.md).</summary>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Units">The units and whether they take records.</param>
/// <param name="Expires">Until when the record holds; <see langword="null"/> for always.</param>
/// <param name="Address">The address record that the node keeps itself; <see langword="null"/> where the administrator keeps it.</param>
internal sealed record NodeText(string Scheme, IReadOnlyList<StorageUnitRecord> Units, DateTimeOffset? Expires, IPAddress? Address)
{
    private const string Version = "v=messagestore1";
    private const string SchemeKey = "scheme";
    private const string UntilKey = "until";
    private const string AddressKey = "address";
    private const string UnitKey = "unit";
    private const string ServesKey = "serves";
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static readonly (UnitAvailability Availability, string Word)[] Words =
    [
        (UnitAvailability.Available, "available"), (UnitAvailability.ReadOnly, "read-only"), (UnitAvailability.Unavailable, "unavailable"),
    ];

    /// <summary>The strings of the record.</summary>
    public IEnumerable<string> ToStrings()
    {
        yield return Version;
        yield return $"{SchemeKey}={Scheme}";
        if (Expires is { } until) yield return $"{UntilKey}={until.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture)}";
        if (Address is not null) yield return $"{AddressKey}={Address}";
        foreach (StorageUnitRecord unit in Units) yield return $"{UnitKey}={unit.Name}:{Words.First(w => w.Availability == unit.Availability).Word}";
        foreach (StorageUnitRecord unit in Units)
            if (unit.Database is { } database) yield return $"{ServesKey}={unit.Name}:{database}";
    }

    /// <summary>Reads a record; strings with keys that this version does not know are passed over.</summary>
    /// <returns><see langword="null"/> where it is no TXT record of a storage node, or one that makes no sense.</returns>
    public static NodeText? TryParse(DnsRecord record)
    {
        if (record.AsText() is not [Version, ..] strings) return null;
        string? scheme = null;
        DateTimeOffset? expires = null;
        IPAddress? address = null;
        var units = new List<StorageUnitRecord>();
        var databases = new Dictionary<string, Guid>(StringComparer.Ordinal);
        foreach (string text in strings.Skip(1))
        {
            string[] pair = text.Split('=', 2);
            if (pair.Length < 2) continue;
            switch (pair[0])
            {
                case SchemeKey:
                    scheme = pair[1];
                    break;
                case UntilKey:
                    if (!DateTimeOffset.TryParseExact(pair[1], TimeForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset until)) return null;
                    expires = until;
                    break;
                case AddressKey:
                    if (!IPAddress.TryParse(pair[1], out address)) return null;
                    break;
                case UnitKey:
                    if (TryParseUnit(pair[1]) is not { } unit) return null;
                    units.Add(unit);
                    break;
                case ServesKey:
                    string[] serves = pair[1].Split(':');
                    if (serves.Length != 2 || !Guid.TryParse(serves[1], out Guid database)) return null;
                    databases[serves[0]] = database;
                    break;
            }
        }
        return scheme is "http" or "https" ? new NodeText(scheme, [.. units.Select(u => databases.TryGetValue(u.Name, out Guid of) ? u with { Database = of } : u)], expires, address) : null;
    }

    private static StorageUnitRecord? TryParseUnit(string text)
    {
        string[] pair = text.Split(':');
        return pair.Length == 2 && Words.Where(w => w.Word == pair[1]).ToArray() is [var word] ? new StorageUnitRecord { Name = pair[0], Availability = word.Availability } : null;
    }
}
