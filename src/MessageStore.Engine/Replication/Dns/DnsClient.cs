using System.Net;
using System.Net.Sockets;

namespace MessageStore.Replication.Dns;

/// <summary>
/// A small DNS client: asks name servers for SRV, TXT, A and AAAA records, follows CNAMEs, keeps answers for as long as they hold, and changes records (RFC 2136). What does
/// not answer the question that was asked is passed over (docs/dns.md). Thread-safe.
/// </summary>
/// <param name="options">Whom to ask.</param>
/// <param name="time">Tells when answers run out and when a signature was made.</param>
internal sealed class DnsClient(DnsClientOptions options, TimeProvider time)
{
    /// <summary>Most CNAMEs on the way to an answer.</summary>
    private const int AliasLimit = 8;

    /// <summary>Longest message that goes over UDP (RFC 1035 §4.2.1).</summary>
    private const int UdpLimit = 512;

    private const int IdCount = ushort.MaxValue + 1;

    private readonly DnsTransport transport = new(options.Random, time);
    private readonly DnsCache cache = new(options.CacheLimit, time);
    private int preferred;

    /// <summary>The records of a name, or of what it is an alias for; empty where there are none.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">The type of records.</param>
    /// <param name="fresh">Whether to ask although the answer is known.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="MessageStoreException">DirectoryUnavailable, with what each server said.</exception>
    public async ValueTask<IReadOnlyList<DnsRecord>> QueryAsync(DnsName name, DnsType type, bool fresh = false, CancellationToken cancellationToken = default)
    {
        if (!fresh && cache.Find(name, type) is { } known) return known;
        try
        {
            (IReadOnlyList<DnsRecord> records, TimeSpan ttl) = await ResolveAsync(name, type, cancellationToken).ConfigureAwait(false);
            cache.Put(name, type, records, ttl);
            return records;
        }
        catch (MessageStoreException) when (!fresh)
        {
            // Better what was true a while ago than nothing at all: storage server records say themselves until when they hold.
            if (cache.FindStale(name, type, options.StaleLimit, options.StalePause) is { } stale) return stale;
            throw;
        }
    }

    /// <summary>Changes records of a zone, all or none (RFC 2136). Goes over TCP, so that no late copy of it is carried out after a newer one.</summary>
    /// <param name="zone">The zone.</param>
    /// <param name="changes">What to add and delete, in order: records as they are to be, <see cref="Delete"/>, <see cref="DeleteAll"/>.</param>
    /// <param name="cancellationToken">Ends the wait; the change may happen all the same.</param>
    /// <exception cref="MessageStoreException">DirectoryUnavailable, with what each server said.</exception>
    public async ValueTask UpdateAsync(DnsName zone, IReadOnlyList<DnsRecord> changes, CancellationToken cancellationToken = default)
    {
        var update = new DnsMessage { Id = 0, Operation = DnsOperation.Update, Name = zone, Type = DnsType.Soa, Authority = changes };
        try
        {
            await ExchangeAsync(update, $"Changing the zone {zone}", cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            cache.Forget(zone);
        }
    }

    /// <summary>The change that takes one record away (RFC 2136 §2.5.4).</summary>
    public static DnsRecord Delete(DnsRecord record) => record with { Class = DnsClass.None, Ttl = 0 };

    /// <summary>The change that takes all records of a type away (RFC 2136 §2.5.2).</summary>
    public static DnsRecord DeleteAll(DnsName name, DnsType type) => new(name, type, DnsClass.Any, 0, []);

    private async Task<(IReadOnlyList<DnsRecord> Records, TimeSpan Ttl)> ResolveAsync(DnsName name, DnsType type, CancellationToken cancellationToken)
    {
        string what = $"Asking for {type.ToString().ToUpperInvariant()} records of {name}";
        var names = new HashSet<DnsName> { name };
        DnsName current = name;
        TimeSpan ttl = options.LongestTtl;
        while (true)
        {
            var query = new DnsMessage { Id = 0, Name = current, Type = type, RecursionDesired = true };
            DnsMessage answer = await ExchangeAsync(query, what, cancellationToken).ConfigureAwait(false);
            DnsName asked = current;
            while (true)
            {
                List<DnsRecord> found = Of(answer, current, type);
                if (found.Count > 0) return (found, Shorter(ttl, found.Min(r => r.Ttl)));
                if (Of(answer, current, DnsType.Cname) is not [{ } alias, ..] || alias.AsAlias() is not { } target) break;
                if (names.Count > AliasLimit || !names.Add(target)) throw Unavailable(what, [$"the aliases from {name} on go round in a circle, or are more than {AliasLimit}"]);
                ttl = Shorter(ttl, alias.Ttl);
                current = target;
            }
            if (current == asked) return ([], NegativeTtl(answer, current, ttl));
        }
    }

    /// <summary>What an answer says of a name; whatever else is in it was not asked for.</summary>
    private static List<DnsRecord> Of(DnsMessage answer, DnsName name, DnsType type) =>
        [.. answer.Answers.Where(r => r.Type == type && r.Class == DnsClass.Internet && r.Name.Equals(name))];

    /// <summary>For how long "there is none" holds: as the zone's SOA says (RFC 2308); without one, not at all.</summary>
    private TimeSpan NegativeTtl(DnsMessage answer, DnsName name, TimeSpan ttl)
    {
        DnsRecord? soa = answer.Authority.FirstOrDefault(r => r.Type == DnsType.Soa && r.Class == DnsClass.Internet && name.IsWithin(r.Name));
        TimeSpan limit = ttl < options.LongestNegativeTtl ? ttl : options.LongestNegativeTtl;
        return Shorter(limit, soa?.AsNegativeTtl() ?? 0);
    }

    private static TimeSpan Shorter(TimeSpan ttl, uint seconds) => ttl < TimeSpan.FromSeconds(seconds) ? ttl : TimeSpan.FromSeconds(seconds);

    /// <summary>Sends a message to one server after the other until one answers it.</summary>
    private async Task<DnsMessage> ExchangeAsync(DnsMessage request, string what, CancellationToken cancellationToken)
    {
        var troubles = new List<string>();
        int first = Volatile.Read(ref preferred);
        for (int attempt = 0; attempt < options.Attempts * options.Servers.Count; attempt++)
        {
            int index = (first + attempt) % options.Servers.Count;
            IPEndPoint server = options.Servers[index];
            try
            {
                DnsMessage answer = await AskAsync(server, request, cancellationToken).ConfigureAwait(false);
                if (answer.Code == DnsResponseCode.NoError || (answer.Code == DnsResponseCode.NoSuchName && request.Operation == DnsOperation.Query))
                {
                    Volatile.Write(ref preferred, index);
                    return answer;
                }
                troubles.Add($"{server} answered '{answer.Code}'");
            }
            catch (Exception error) when (error is SocketException or IOException or TimeoutException)
            {
                troubles.Add($"{server}: {error.Message.TrimEnd('.')}");
            }
        }
        throw Unavailable(what, troubles);
    }

    private async Task<DnsMessage> AskAsync(IPEndPoint server, DnsMessage request, CancellationToken cancellationToken)
    {
        ushort id = (ushort)options.Random(IdCount);
        byte[] bytes = (request with { Id = id }).Encode();
        byte[] mac = [];
        if (options.Key is not null) bytes = Tsig.Sign(bytes, options.Key, time.GetUtcNow(), out mac);
        DnsMessage? answer = null;
        TsigResult signature = TsigResult.Good;
        try
        {
            bool overUdp = request.Operation == DnsOperation.Query && bytes.Length <= UdpLimit;
            if (overUdp && await transport.AskOverUdpAsync(server, bytes, Accept, options.Timeout, cancellationToken).ConfigureAwait(false) && !answer!.IsTruncated) return answer;
            if (await transport.AskOverTcpAsync(server, bytes, Accept, options.Timeout, cancellationToken).ConfigureAwait(false)) return answer!;
        }
        catch (TimeoutException error) when (signature != TsigResult.Good)
        {
            throw new TimeoutException($"{error.Message} {Describe(signature)}", error);
        }
        throw new IOException(signature == TsigResult.Good ? "what it sent is no answer to the question." : Describe(signature));

        bool Accept(ReadOnlyMemory<byte> datagram)
        {
            if (DnsMessage.TryDecode(datagram.Span) is not { IsResponse: true } message || message.Id != id || message.Operation != request.Operation
                || message.Type != request.Type || !message.Name.Equals(request.Name)) return false;
            if (options.Key is not null)
            {
                signature = Tsig.Verify(datagram.Span, message, options.Key, mac, time.GetUtcNow());
                if (signature != TsigResult.Good) return false;
            }
            answer = message;
            return true;
        }
    }

    private string Describe(TsigResult signature) => signature switch
    {
        TsigResult.Missing => $"An answer came that is not signed, and the key {options.Key} asks for signatures.",
        TsigResult.Rejected => $"An answer says that the server does not accept the key {options.Key}.",
        TsigResult.WrongTime => $"An answer is signed at another time than now: the clocks of this machine and the server differ by more than {Tsig.Fudge} s.",
        _ => $"An answer came that is not signed with the key {options.Key}.",
    };

    private static MessageStoreException Unavailable(string what, IReadOnlyList<string> troubles) => new(
        ErrorIds.DirectoryUnavailable, ErrorKind.Device, $"{what} failed: {string.Join("; ", troubles.Distinct())}.");
}
