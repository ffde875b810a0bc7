namespace MessageStore.Replication.Dns;

/// <summary>Types of records that the client knows (RFC 1035, 2782, 3596, 8945). Any other is carried as bytes.</summary>
internal enum DnsType : ushort
{
    A = 1,
    Cname = 5,
    Soa = 6,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Tsig = 250,
    Any = 255,
}

/// <summary>Classes: the internet's, and the two that an UPDATE (RFC 2136 §2.5) uses to delete.</summary>
internal enum DnsClass : ushort
{
    Internet = 1,
    None = 254,
    Any = 255,
}

/// <summary>What a server answers (RFC 1035 §4.1.1, RFC 2136 §2.2).</summary>
internal enum DnsResponseCode
{
    NoError = 0,
    FormatError = 1,
    ServerFailure = 2,
    NoSuchName = 3,
    NotImplemented = 4,
    Refused = 5,
    NotAuthoritative = 9,
    NotInZone = 10,
}

/// <summary>What a message asks for.</summary>
internal enum DnsOperation
{
    Query = 0,
    Update = 5,
}
