using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MessageStore.Replication.Dns;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication.Dns;

/// <summary>One attack or fault for each test, by a server on loopback that commits it.</summary>
public sealed class DnsClientTests
{
    private static readonly DnsName Name = DnsName.Parse("n1.storage.example");
    private static readonly DnsName Other = DnsName.Parse("n2.storage.example");
    private static readonly DnsName Zone = DnsName.Parse("storage.example");
    private static readonly IPAddress Good = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress Bad = IPAddress.Parse("192.0.2.66");

    private readonly FixedClock clock = new(new DateTimeOffset(2026, 7, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task An_answer_with_another_id_is_passed_over_and_the_right_one_waited_for() =>
        await RightAnswerCounts(q => q.Reply(q.With(A(Bad)) with { Id = (ushort)(q.Query.Id + 1) }));

    [Fact]
    public async Task An_answer_to_another_question_is_passed_over() => await RightAnswerCounts(q =>
    {
        q.Reply(q.With(A(Bad)) with { Name = Other });
        q.Reply(q.With(A(Bad)) with { Type = DnsType.Txt });
        q.Reply(q.With(A(Bad)) with { Operation = DnsOperation.Update });
    });

    [Fact]
    public async Task A_question_that_comes_back_is_no_answer() => await RightAnswerCounts(q => q.Reply(q.With(A(Bad)) with { IsResponse = false }));

    [Fact]
    public async Task Bytes_that_make_no_sense_are_passed_over() => await RightAnswerCounts(q =>
    {
        q.Send([]);
        q.Send([1, 2, 3]);
        q.Send([.. q.With(A(Bad)).Encode(), 0]);
        q.Send(q.With(A(Bad)).Encode()[..^1]);
    });

    [Fact]
    public async Task An_answer_from_another_source_never_arrives() => await RightAnswerCounts(q =>
    {
        using var stranger = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        stranger.Send(q.With(A(Bad)).Encode(), q.Client);
    });

    [Fact]
    public async Task Records_that_were_not_asked_for_are_neither_used_nor_kept()
    {
        await using var server = new FakeDnsServer(q => q.Reply(q.With(A(Bad, q.Query.Name.Equals(Name) ? Other : Name), A(Bad, Zone), A(Good, q.Query.Name)) with
        {
            Authority = [A(Bad, Other)], Additional = [A(Bad, Other), A(Bad)],
        }));
        DnsClient client = Client(server);
        Assert.Equal(Good, await AddressAsync(client, Name));
        Assert.Equal(Good, await AddressAsync(client, Other));
        Assert.Equal(2, server.Questions);
    }

    [Fact]
    public async Task Many_wrong_answers_send_the_question_over_tcp()
    {
        await using var server = new FakeDnsServer(q =>
        {
            for (int n = 0; n < 100 && !q.OverTcp; n++) q.Reply(q.With(A(Bad)) with { Id = (ushort)(q.Query.Id + 1 + n) });
            if (q.OverTcp) q.Reply(q.With(A(Good)));
        });
        Assert.Equal(Good, await AddressAsync(Client(server), Name));
    }

    [Fact]
    public async Task A_truncated_answer_is_asked_for_over_tcp()
    {
        DnsRecord[] all = [.. Enumerable.Range(0, 200).Select(n => A(new IPAddress([10, 0, 0, (byte)n])))];
        await using var server = new FakeDnsServer(q => q.Reply(q.OverTcp ? q.With(all) : q.With(all[..4]) with { IsTruncated = true }));
        Assert.Equal(all, await Client(server).QueryAsync(Name, DnsType.A));
    }

    [Fact]
    public async Task A_server_that_refuses_fails_or_is_not_there_gives_way_to_the_next()
    {
        await using var refuses = new FakeDnsServer(q => q.Reply(q.With() with { Code = DnsResponseCode.Refused }));
        await using var serves = new FakeDnsServer(q => q.Reply(q.With(A(Good, q.Query.Name))));
        var nobody = new IPEndPoint(IPAddress.Loopback, 1);
        var client = new DnsClient(new DnsClientOptions { Servers = [nobody, refuses.EndPoint, serves.EndPoint] }, clock);
        Assert.Equal(Good, await AddressAsync(client, Name));
        Assert.Equal(Good, await AddressAsync(client, Other));
        Assert.Equal(1, refuses.Questions); // the one that answered last is asked first
    }

    [Fact]
    public async Task A_lost_question_is_asked_again()
    {
        var timers = new TriggerClock();
        int count = 0;
        await using var server = new FakeDnsServer(q =>
        {
            if (Interlocked.Increment(ref count) > 1) q.Reply(q.With(A(Good)));
            else timers.Fire();
        });
        Assert.Equal(Good, await AddressAsync(new DnsClient(new DnsClientOptions { Servers = [server.EndPoint] }, timers), Name));
    }

    [Fact]
    public async Task When_nobody_answers_the_error_says_what_each_server_did()
    {
        var timers = new TriggerClock();
        await using var silent = new FakeDnsServer(_ => timers.Fire());
        await using var fails = new FakeDnsServer(q => q.Reply(q.With() with { Code = DnsResponseCode.ServerFailure }));
        var client = new DnsClient(new DnsClientOptions { Servers = [silent.EndPoint, fails.EndPoint], Timeout = TimeSpan.FromSeconds(0.1) }, timers);
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await client.QueryAsync(Name, DnsType.Srv));
        Assert.Equal(ErrorIds.DirectoryUnavailable, error.ErrorId);
        Assert.Contains($"{silent.EndPoint} did not answer within 0.1 s", error.Message);
        Assert.Contains($"{fails.EndPoint} answered 'ServerFailure'", error.Message);
        Assert.Contains("SRV records of n1.storage.example", error.Message);
    }

    [Fact]
    public async Task Aliases_are_followed_within_an_answer_and_by_asking_again()
    {
        DnsName third = DnsName.Parse("host.elsewhere.example");
        await using var server = new FakeDnsServer(q => q.Reply(q.Query.Name.Equals(Name)
            ? q.With(Alias(Name, Other), Alias(Other, third))
            : q.With(A(Good, third), A(Bad, Name))));
        Assert.Equal(Good, await AddressAsync(Client(server), Name));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Aliases_that_go_in_circles_or_on_for_ever_are_an_error(bool circle)
    {
        await using var server = new FakeDnsServer(q => q.Reply(circle
            ? q.With(Alias(Name, Other), Alias(Other, Name))
            : q.With(Alias(q.Query.Name, DnsName.Parse("x." + q.Query.Name)))));
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await Client(server).QueryAsync(Name, DnsType.A));
        Assert.Contains("aliases", error.Message);
        Assert.InRange(server.Questions, 1, 10);
    }

    [Fact]
    public async Task An_answer_is_kept_for_its_ttl_and_no_longer()
    {
        await using var server = new FakeDnsServer(q => q.Reply(q.With(A(Good) with { Ttl = 60 }, A(Good) with { Ttl = 30 })));
        DnsClient client = Client(server);
        await AddressAsync(client, Name);
        clock.Now += TimeSpan.FromSeconds(29);
        await AddressAsync(client, Name);
        Assert.Equal(1, server.Questions);
        clock.Now += TimeSpan.FromSeconds(1);
        await AddressAsync(client, Name);
        Assert.Equal(2, server.Questions);
        await client.QueryAsync(Name, DnsType.A, fresh: true);
        Assert.Equal(3, server.Questions);
    }

    [Theory]
    [InlineData((int)DnsResponseCode.NoSuchName)]
    [InlineData((int)DnsResponseCode.NoError)]
    public async Task There_is_none_is_kept_as_the_zone_says(int code)
    {
        await using var server = new FakeDnsServer(q => q.Reply(q.With() with { Code = (DnsResponseCode)code, Authority = [Soa(Zone, 90, 20)] }));
        DnsClient client = Client(server);
        Assert.Empty(await client.QueryAsync(Name, DnsType.Txt));
        clock.Now += TimeSpan.FromSeconds(19);
        Assert.Empty(await client.QueryAsync(Name, DnsType.Txt));
        Assert.Equal(1, server.Questions);
        clock.Now += TimeSpan.FromSeconds(1);
        Assert.Empty(await client.QueryAsync(Name, DnsType.Txt));
        Assert.Equal(2, server.Questions);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("elsewhere.example")]
    public async Task There_is_none_without_the_zones_word_is_not_kept(string? zone)
    {
        await using var server = new FakeDnsServer(q => q.Reply(q.With() with { Authority = zone is null ? [] : [Soa(DnsName.Parse(zone), 90, 90)] }));
        DnsClient client = Client(server);
        await client.QueryAsync(Name, DnsType.Txt);
        await client.QueryAsync(Name, DnsType.Txt);
        Assert.Equal(2, server.Questions);
    }

    [Fact]
    public async Task What_was_true_a_while_ago_serves_while_no_server_answers()
    {
        bool serves = true;
        await using var server = new FakeDnsServer(q => q.Reply(serves ? q.With(A(Good)) : q.With() with { Code = DnsResponseCode.ServerFailure }));
        DnsClient client = Client(server);
        await AddressAsync(client, Name);
        serves = false;
        clock.Now += TimeSpan.FromMinutes(30);
        Assert.Equal(Good, await AddressAsync(client, Name));
        int asked = server.Questions;
        Assert.Equal(Good, await AddressAsync(client, Name));
        Assert.Equal(asked, server.Questions);
        clock.Now += TimeSpan.FromMinutes(31);
        await Assert.ThrowsAsync<MessageStoreException>(() => AddressAsync(client, Name));
    }

    [Fact]
    public void The_cache_is_bounded_and_lets_go_of_what_was_used_longest_ago()
    {
        var cache = new DnsCache(3, clock);
        foreach (string name in (string[])["a", "b", "c"]) cache.Put(DnsName.Parse(name), DnsType.A, [], TimeSpan.FromMinutes(1));
        Assert.NotNull(cache.Find(DnsName.Parse("a"), DnsType.A));
        cache.Put(DnsName.Parse("d"), DnsType.A, [], TimeSpan.FromMinutes(1));
        Assert.Equal(3, cache.Count);
        Assert.Null(cache.Find(DnsName.Parse("b"), DnsType.A));
        Assert.NotNull(cache.Find(DnsName.Parse("a"), DnsType.A));
        cache.Forget(DnsName.Root);
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public async Task With_a_key_an_answer_that_is_not_signed_with_it_is_passed_over()
    {
        var wrong = new TsigKey(TsigTests.Key.Name, new byte[32]);
        await RightAnswerCounts(
            q =>
            {
                q.Reply(q.With(A(Bad)));
                q.Send(Tsig.Sign(q.With(A(Bad)).Encode(), wrong, clock.Now, MacOf(q), out _));
                q.Send(Tsig.Sign(q.With(A(Bad)).Encode(), TsigTests.Key, clock.Now, [7], out _)); // of another question
            },
            q => q.Send(Tsig.Sign(q.With(A(Good)).Encode(), TsigTests.Key, clock.Now, MacOf(q), out _)),
            TsigTests.Key);
    }

    [Fact]
    public async Task With_a_key_answers_that_are_never_signed_are_an_error_that_says_so()
    {
        var timers = new TriggerClock();
        await using var server = new FakeDnsServer(q =>
        {
            for (int n = 0; n < 100 && !q.OverTcp; n++) q.Reply(q.With(A(Bad)));
            if (q.OverTcp) q.Reply(q.With(A(Bad)));
        });
        var client = new DnsClient(new DnsClientOptions { Servers = [server.EndPoint], Key = TsigTests.Key }, timers);
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => AddressAsync(client, Name));
        Assert.Contains("is not signed, and the key node-key asks for signatures", error.Message);
    }

    [Fact]
    public async Task Ids_and_ports_are_not_to_be_guessed()
    {
        var seen = new ConcurrentBag<(ushort Id, int Port)>();
        await using var server = new FakeDnsServer(q =>
        {
            seen.Add((q.Query.Id, q.Client.Port));
            q.Reply(q.With());
        });
        for (int n = 0; n < 64; n++) await Client(server).QueryAsync(Name, DnsType.A);
        Assert.InRange(seen.Select(s => s.Id).Distinct().Count(), 60, 64);
        Assert.InRange(seen.Select(s => s.Port).Distinct().Count(), 60, 64);
        Assert.InRange(seen.Max(s => s.Port) - seen.Min(s => s.Port), 10_000, 65_535);
    }

    [Fact]
    public async Task An_update_goes_over_tcp_and_what_was_known_of_the_zone_is_forgotten()
    {
        DnsMessage? update = null;
        await using var server = new FakeDnsServer(q =>
        {
            if (q.Query.Operation == DnsOperation.Update && q.OverTcp) update = q.Query;
            q.Reply(q.Query.Operation == DnsOperation.Update ? q.With() with { Authority = [] } : q.With(A(Good)));
        });
        DnsClient client = Client(server);
        await AddressAsync(client, Name);
        await client.UpdateAsync(Zone, [DnsClient.DeleteAll(Name, DnsType.A), A(Good)]);
        Assert.Equal(2, update!.Authority.Count);
        Assert.Equal(DnsClass.Any, update.Authority[0].Class);
        await AddressAsync(client, Name);
        Assert.Equal(3, server.Questions);
    }

    internal static DnsRecord Soa(DnsName zone, uint ttl, uint minimum)
    {
        var data = new DnsWriter();
        data.Write(zone);
        data.Write(zone);
        foreach (uint number in (uint[])[1, 3600, 600, 86400, minimum]) data.Write(number);
        return new DnsRecord(zone, DnsType.Soa, DnsClass.Internet, ttl, data.Span.ToArray());
    }

    /// <summary>The server does something bad first, and then answers as it should.</summary>
    private Task RightAnswerCounts(Action<FakeQuestion> bad) => RightAnswerCounts(bad, q => q.Reply(q.With(A(Good))), null);

    private async Task RightAnswerCounts(Action<FakeQuestion> bad, Action<FakeQuestion> good, TsigKey? key)
    {
        await using var server = new FakeDnsServer(q =>
        {
            bad(q);
            good(q);
        });
        Assert.Equal(Good, await AddressAsync(Client(server, key), Name));
        Assert.Equal(1, server.Questions);
    }

    private static byte[] MacOf(FakeQuestion question)
    {
        var reader = new DnsReader(question.Query.Additional[^1].Data);
        reader.TryRead(out DnsName _);
        reader.TryRead(8, out _);
        reader.TryRead(out ushort length);
        reader.TryRead(length, out ReadOnlySpan<byte> mac);
        return mac.ToArray();
    }

    private DnsClient Client(FakeDnsServer server, TsigKey? key = null) =>
        new(new DnsClientOptions { Servers = [server.EndPoint], Key = key, Timeout = TimeSpan.FromSeconds(120) }, clock);

    private static async Task<IPAddress?> AddressAsync(DnsClient client, DnsName name) => (await client.QueryAsync(name, DnsType.A))[0].AsAddress();

    private static DnsRecord A(IPAddress address, DnsName? name = null) => DnsRecord.Address(name ?? Name, 60, address);

    private static DnsRecord Alias(DnsName name, DnsName target) => new(name, DnsType.Cname, DnsClass.Internet, 60, target.Wire.ToArray());
}
