using System.Net;
using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Replication.Dns;
using MessageStore.Tests.Replication.Dns;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>Storage server records in a real BIND.</summary>
public sealed class DnsStorageDirectoryTests(NamedServer named) : IClassFixture<NamedServer>
{
    private static readonly DnsName Zone = DnsName.Parse(NamedServer.Zone);

    [ToolFact("named", "tsig-keygen")]
    public async Task A_node_registers_refreshes_and_withdraws_its_record()
    {
        DnsStorageDirectory directory = Directory(named.KeyFile);
        StorageServerRecord record = Node("reg1", 7001, group: 3, weight: 9) with { Expires = new DateTimeOffset(2026, 7, 1, 12, 30, 0, TimeSpan.Zero) };
        await directory.RegisterAsync(record);
        AssertSame(record, await FindAsync("reg1"));

        StorageServerRecord later = record with
        {
            Weight = 2, Group = 0, Expires = record.Expires + TimeSpan.FromMinutes(5),
            Units = [new StorageUnitRecord { Name = "u1", Availability = UnitAvailability.ReadOnly }, new StorageUnitRecord { Name = "u-2", Availability = UnitAvailability.Unavailable }],
        };
        await directory.RefreshAsync(later);
        AssertSame(later, await FindAsync("reg1"));

        Assert.True(await directory.WithdrawAsync("reg1"));
        Assert.Null(await FindAsync("reg1"));
        Assert.Empty(await named.Client(null).QueryAsync(Zone.Child("reg1"), DnsType.A));
        Assert.False(await directory.WithdrawAsync("reg1"));
    }

    [ToolFact("named", "tsig-keygen")]
    public async Task Nodes_that_register_at_the_same_time_do_not_lose_each_other_and_long_answers_are_whole()
    {
        const int Nodes = 60;
        await Parallel.ForAsync(0, Nodes, async (n, stop) => await Directory(named.KeyFile).RegisterAsync(Node($"many{n:D2}", 8000 + n, weight: n), stop));
        IReadOnlyList<StorageServerRecord> found = [.. (await Directory(null).ListAsync()).Where(r => r.Name.StartsWith("many", StringComparison.Ordinal))];
        Assert.Equal(Enumerable.Range(0, Nodes).Select(n => (8000 + n, n)), found.Select(r => (new Uri(r.Url).Port, r.Weight)));
        foreach (StorageServerRecord record in found) Assert.True(await Directory(named.KeyFile).WithdrawAsync(record.Name));
    }

    [ToolFact("named", "tsig-keygen")]
    public async Task A_node_may_be_reached_by_an_alias_or_by_a_name_with_a_certificate()
    {
        DnsStorageDirectory directory = Directory(named.KeyFile);
        await directory.RegisterAsync(Node("alias", 7443) with { Url = $"http://alias.{NamedServer.Zone}:7443" });
        Assert.Equal("http://127.0.0.9:7443", (await FindAsync("alias"))!.Url);
        StorageServerRecord secure = Node("secure", 7443) with { Url = $"https://secure.{NamedServer.Zone}:7443" };
        await directory.RegisterAsync(secure);
        AssertSame(secure, await FindAsync("secure"));
        Assert.True(await directory.WithdrawAsync("alias") && await directory.WithdrawAsync("secure"));
        Assert.Single(await named.Client(null).QueryAsync(DnsName.Parse("alias." + NamedServer.Zone), DnsType.A)); // the administrator's stays
    }

    [ToolFact("named", "tsig-keygen")]
    public async Task Without_the_right_key_or_clock_nothing_changes_and_the_error_says_why()
    {
        string unsigned = await RefusedAsync(named.Client(null));
        Assert.Contains("Refused", unsigned);
        Assert.Contains("does not accept the key strange-key", await RefusedAsync(named.Client(named.StrangeKeyFile)));
        Assert.Contains("does not accept the key node-key", await RefusedAsync(named.Client(named.WrongKeyFile)));
        var late = new DnsClientOptions { Servers = [named.EndPoint], Key = TsigKey.Load(DiskStorage.Instance, named.KeyFile), Timeout = TimeSpan.FromSeconds(120), Attempts = 1 };
        Assert.Contains("clocks", await RefusedAsync(new DnsClient(late, new FixedClock(DateTimeOffset.UtcNow.AddHours(1)))));
        Assert.Null(await FindAsync("thief"));
    }

    [ToolFact("named", "tsig-keygen")]
    public async Task Records_that_make_no_sense_are_passed_over()
    {
        DnsName service = Zone.Child("_messagestore._tcp");
        DnsRecord noText = DnsRecord.Srv(service, 60, new SrvData(1, 1, 1, Zone.Child("notext")));
        DnsRecord elsewhere = DnsRecord.Srv(service, 60, new SrvData(1, 1, 1, DnsName.Parse("n.elsewhere.test")));
        DnsRecord nowhere = DnsRecord.Srv(service, 60, new SrvData(1, 1, 1, DnsName.Root));
        DnsRecord badUnit = DnsRecord.Srv(service, 60, new SrvData(1, 1, 1, Zone.Child("badunit")));
        DnsRecord text = DnsRecord.Text(Zone.Child("_messagestore.badunit"), 60, ["v=messagestore1", "scheme=https", "unit=../x:available"]);
        await named.Client(named.KeyFile).UpdateAsync(Zone, [noText, elsewhere, nowhere, badUnit, text]);
        await Directory(named.KeyFile).RegisterAsync(Node("sane", 7001));
        Assert.Equal(["sane"], (await Directory(null).ListAsync()).Select(r => r.Name).Where(n => n is "notext" or "badunit" or "sane" or "n"));
        await named.Client(named.KeyFile).UpdateAsync(Zone, [.. new[] { noText, elsewhere, nowhere, badUnit, text }.Select(DnsClient.Delete)]);
        Assert.True(await Directory(named.KeyFile).WithdrawAsync("sane"));
    }

    [ToolFact("named", "tsig-keygen")]
    public async Task A_setting_names_servers_zone_and_key()
    {
        IStorageDirectory directory = StorageDirectories.Open($"dns://{named.EndPoint}/{NamedServer.Zone}?key={named.KeyFile}", DiskStorage.Instance, TimeProvider.System);
        await directory.RegisterAsync(Node("named", 7001));
        Assert.NotNull(await FindAsync("named"));
        Assert.True(await directory.WithdrawAsync("named"));
    }

    [Theory]
    [InlineData("dns:")]
    [InlineData("dns://192.0.2.1")]
    [InlineData("dns://server.example/zone")]
    [InlineData("dns://192.0.2.1/zone?key=relative")]
    [InlineData("dns://192.0.2.1/zone?other=1")]
    [InlineData("dns://192.0.2.1/bad..zone")]
    public void A_setting_that_makes_no_sense_is_refused(string place) =>
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => StorageDirectories.Open(place, new MemoryStorage(), TimeProvider.System)).ErrorId);

    [Theory]
    [InlineData("https://127.0.0.1:7443")]
    [InlineData("https://other.storage.test:7443")]
    [InlineData("http://other.example:7443")]
    public async Task A_path_that_dns_cannot_hold_is_refused_before_anything_is_asked(string url)
    {
        var client = new DnsClient(new DnsClientOptions { Servers = [new IPEndPoint(IPAddress.Loopback, 9)] }, TimeProvider.System);
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await new DnsStorageDirectory(client, Zone).RegisterAsync(Node("n1", 1) with { Url = url }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
        Assert.Contains(url, error.Message);
    }

    private DnsStorageDirectory Directory(string? keyFile) => new(named.Client(keyFile), Zone);

    private async Task<StorageServerRecord?> FindAsync(string name) => (await Directory(null).ListAsync()).SingleOrDefault(r => r.Name == name);

    private static async Task<string> RefusedAsync(DnsClient client)
    {
        DnsRecord record = DnsRecord.Srv(Zone.Child("_messagestore._tcp"), 60, new SrvData(0, 1, 1, Zone.Child("thief")));
        var error = await Assert.ThrowsAsync<MessageStoreException>(async () => await client.UpdateAsync(Zone, [record]));
        Assert.Equal(ErrorIds.DirectoryUnavailable, error.ErrorId);
        return error.Message;
    }

    private static StorageServerRecord Node(string name, int port, int group = 0, int weight = 1) => new()
    {
        Name = name, Url = $"http://127.0.0.1:{port}", Group = group, Weight = weight, Units = [new StorageUnitRecord { Name = "u1" }],
    };

    private static void AssertSame(StorageServerRecord expected, StorageServerRecord? actual)
    {
        Assert.NotNull(actual);
        Assert.Equal(expected.Units, actual.Units);
        Assert.Equal(expected with { Units = actual.Units }, actual);
    }
}
