namespace MessageStore.Replication.Dns;

/// <summary>A DNS message (RFC 1035 §4); of an UPDATE (RFC 2136 §2) the question is the zone, answers are prerequisites, authority the changes.</summary>
internal sealed record DnsMessage
{
    public const int HeaderLength = 12;

    /// <summary>Longest message, over TCP.</summary>
    public const int MaximumLength = ushort.MaxValue;

    private const int ResponseFlag = 0x8000;
    private const int TruncatedFlag = 0x0200;
    private const int RecursionFlag = 0x0100;
    private const int OperationShift = 11;
    private const int NibbleMask = 0xF;

    public required ushort Id { get; init; }

    public bool IsResponse { get; init; }

    /// <summary>Whether the answer did not fit and is to be asked for over TCP.</summary>
    public bool IsTruncated { get; init; }

    public bool RecursionDesired { get; init; }

    public DnsOperation Operation { get; init; }

    public DnsResponseCode Code { get; init; }

    public required DnsName Name { get; init; }

    public required DnsType Type { get; init; }

    public IReadOnlyList<DnsRecord> Answers { get; init; } = [];

    public IReadOnlyList<DnsRecord> Authority { get; init; } = [];

    public IReadOnlyList<DnsRecord> Additional { get; init; } = [];

    /// <summary>Where in the message read its TSIG record begins, which is the last; <see langword="null"/> where it has none.</summary>
    public int? SignatureAt { get; init; }

    public byte[] Encode()
    {
        var writer = new DnsWriter();
        writer.Write(Id);
        writer.Write((ushort)((IsResponse ? ResponseFlag : 0) | (int)Operation << OperationShift | (IsTruncated ? TruncatedFlag : 0) | (RecursionDesired ? RecursionFlag : 0) | (int)Code));
        writer.Write((ushort)1);
        writer.Write((ushort)Answers.Count);
        writer.Write((ushort)Authority.Count);
        writer.Write((ushort)Additional.Count);
        writer.Write(Name);
        writer.Write((ushort)Type);
        writer.Write((ushort)DnsClass.Internet);
        foreach (DnsRecord record in Answers.Concat(Authority).Concat(Additional)) writer.Write(record);
        return writer.Span.ToArray();
    }

    /// <summary>Reads a message with one question. Time and memory are bounded by its length.</summary>
    /// <returns><see langword="null"/> where it is none, or anything in it is malformed.</returns>
    public static DnsMessage? TryDecode(ReadOnlySpan<byte> bytes)
    {
        var reader = new DnsReader(bytes);
        if (!reader.TryRead(out ushort id) || !reader.TryRead(out ushort flags) || !reader.TryRead(out ushort questions) || !reader.TryRead(out ushort answers)
            || !reader.TryRead(out ushort authority) || !reader.TryRead(out ushort additional)) return null;
        if (questions != 1 || !reader.TryRead(out DnsName name) || !reader.TryRead(out ushort type) || !reader.TryRead(out ushort classNumber)
            || classNumber != (ushort)DnsClass.Internet) return null;
        int? signature = null;
        if (ReadRecords(ref reader, bytes, answers, ref signature) is not { } answerList || ReadRecords(ref reader, bytes, authority, ref signature) is not { } authorityList
            || ReadRecords(ref reader, bytes, additional, ref signature) is not { } additionalList || !reader.AtEnd) return null;
        if (signature is not null && additionalList is not [.., { Type: DnsType.Tsig }]) return null;
        return new DnsMessage
        {
            Id = id,
            IsResponse = (flags & ResponseFlag) != 0,
            IsTruncated = (flags & TruncatedFlag) != 0,
            RecursionDesired = (flags & RecursionFlag) != 0,
            Operation = (DnsOperation)(flags >> OperationShift & NibbleMask),
            Code = (DnsResponseCode)(flags & NibbleMask),
            Name = name,
            Type = (DnsType)type,
            Answers = answerList,
            Authority = authorityList,
            Additional = additionalList,
            SignatureAt = signature,
        };
    }

    private static List<DnsRecord>? ReadRecords(ref DnsReader reader, ReadOnlySpan<byte> bytes, int count, ref int? signature)
    {
        var records = new List<DnsRecord>();
        for (int n = 0; n < count; n++)
        {
            int start = reader.Position;
            if (signature is not null || !reader.TryRead(out DnsName name) || !reader.TryRead(out ushort type) || !reader.TryRead(out ushort classNumber)
                || !reader.TryRead(out uint ttl) || !reader.TryRead(out ushort length) || length > bytes.Length - reader.Position) return null;
            int end = reader.Position + length;
            if (ReadData(ref reader, (DnsType)type, length) is not { } data || reader.Position != end) return null;
            if (type == (ushort)DnsType.Tsig) signature = start;

            // A TTL with the highest bit set is 0 (RFC 2181 §8).
            records.Add(new DnsRecord(name, (DnsType)type, (DnsClass)classNumber, ttl > int.MaxValue ? 0 : ttl, data));
        }
        return records;
    }

    /// <summary>A record's data with the names in it expanded, for types that may have compressed ones (RFC 3597 §4).</summary>
    private static byte[]? ReadData(ref DnsReader reader, DnsType type, int length)
    {
        const int SrvNumbers = 6;
        const int SoaNumbers = 20;
        (int before, int names, int after) = length == 0 ? (0, 0, 0) : type switch
        {
            DnsType.Cname => (0, 1, 0),
            DnsType.Srv => (SrvNumbers, 1, 0),
            DnsType.Soa => (0, 2, SoaNumbers),
            _ => (length, 0, 0),
        };
        if (!reader.TryRead(before, out ReadOnlySpan<byte> head)) return null;
        if (names == 0) return head.ToArray();
        var writer = new DnsWriter();
        writer.Write(head);
        for (int n = 0; n < names; n++)
        {
            if (!reader.TryRead(out DnsName name)) return null;
            writer.Write(name);
        }
        if (!reader.TryRead(after, out ReadOnlySpan<byte> tail)) return null;
        writer.Write(tail);
        return writer.Span.ToArray();
    }
}
