using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Server.Nodes;

namespace MessageStore.Server.Tests.Nodes;

public sealed class NodeServerTests
{
    [Theory]
    [InlineData(ReplicationTopology.FanOut)]
    [InlineData(ReplicationTopology.Chain)]
    public async Task Records_go_to_two_nodes_and_come_back_from_each(ReplicationTopology topology)
    {
        await using var fixture = new NodeFixture();
        foreach (string name in (string[])["n1", "n2", "n3"]) await fixture.StartAsync(name);
        ReplicatedWriter writer = fixture.Writer(new ReplicationOptions { Topology = topology });
        IncomingRecord[] records = [.. Enumerable.Range(1, 40).Select(n => fixture.Record(n, n * 500))];
        IReadOnlyList<HopAnswer>[] answers = await Task.WhenAll(records.Select(r => writer.WriteAsync([NodeFixture.Sent(r)])));
        foreach ((IncomingRecord record, IReadOnlyList<HopAnswer> copies) in records.Zip(answers))
        {
            Assert.Equal(2, copies.Select(c => DirectoryCache.NodeOf(c.Unit)).Distinct().Count());
            foreach (HopAnswer copy in copies) await fixture.AssertHoldsAsync(copy.Unit, copy.Places[0], record);
        }
    }

    [Fact]
    public async Task A_node_that_stops_and_starts_again_has_everything_and_its_record_comes_and_goes_with_it()
    {
        await using var fixture = new NodeFixture();
        await fixture.StartAsync("n1");
        await fixture.StartAsync("n2");
        IncomingRecord record = fixture.Record(1);
        HopAnswer[] copies = [.. await fixture.Writer(new ReplicationOptions()).WriteAsync([NodeFixture.Sent(record)])];
        await fixture.StopAsync("n1");
        Assert.Equal(["n2"], (await fixture.Directory.ListAsync()).Select(r => r.Name));
        await fixture.StartAsync("n1", o => o with { Create = false });
        Assert.Equal(["n1", "n2"], (await fixture.Directory.ListAsync()).Select(r => r.Name));
        Assert.Empty(fixture["n1"].Node.Units[0].Notes);
        foreach (HopAnswer copy in copies) await fixture.AssertHoldsAsync(copy.Unit, copy.Places[0], record);

        // Sent again, it is the same record.
        HopAnswer[] again = [.. await fixture.Writer(new ReplicationOptions()).WriteAsync([NodeFixture.Sent(record)])];
        Assert.Equal(copies.OrderBy(c => c.Unit).Select(c => c.Places[0]), again.OrderBy(c => c.Unit).Select(c => c.Places[0]));
    }

    [Fact]
    public async Task Listing_erasing_and_expiring_work_over_http()
    {
        await using var fixture = new NodeFixture();
        NodeServer server = await fixture.StartAsync("n1");
        IStorageNode node = fixture.Connector.Connect(server.Url);
        IncomingRecord record = fixture.Record(1);
        HopAnswer stored = (await node.AppendAsync(new AppendRequest([new Hop(server.Url, "n1/u1")], [NodeFixture.Sent(record)]))).Single();
        Assert.Equal([stored.Places[0].Volume], await node.ListVolumesAsync("n1/u1"));
        ListedRecord listed = Assert.Single(await node.ListRecordsAsync("n1/u1", stored.Places[0].Volume));
        Assert.Equal((record.Info.Id, stored.Places[0].Offset, record.Info.StorageDate), (listed.Id, listed.Offset, listed.StorageDate));
        StorageUnitStatus status = Assert.Single(await node.GetStatusAsync());
        Assert.Equal(("n1/u1", 1L, UnitAvailability.Available), (status.Name, status.RecordCount, status.Availability));
        Assert.Equal(0, await node.ExpireAsync("n1/u1", Guid.Empty, DateTimeOffset.MaxValue, new HashSet<Guid>()));
        Assert.Equal(1, await node.EraseAsync("n1/u1", Guid.Empty, [new ErasedRecord(listed.Id, stored.Places[0].Volume, listed.Offset)]));
        Assert.Empty(await node.ListRecordsAsync("n1/u1", stored.Places[0].Volume));
        Assert.Equal(ErrorIds.UnitUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(async () => await node.ListVolumesAsync("n1/u9"))).ErrorId);
        Assert.Equal(ErrorIds.PathNotFound, (await Assert.ThrowsAsync<MessageStoreException>(async () => await node.ReadAsync("n1/u1", "2026-01-01/never-00000001.mbox.gz", 0, 10))).ErrorId);
    }

    [Theory]
    [InlineData("GET", "/units")]
    [InlineData("GET", "/health")]
    [InlineData("GET", "/nothing/here")]
    [InlineData("POST", "/records")]
    [InlineData("POST", "/units/u1/erase")]
    public async Task A_stranger_learns_nothing_whatever_is_asked_for(string method, string path)
    {
        await using var fixture = new NodeFixture();
        NodeServer server = await fixture.StartAsync("n1");
        using var http = new HttpClient();
        foreach (string? key in (string?[])[null, "", "wrong", NodeFixture.Key[..^1], NodeFixture.Key + "0"])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), server.Url + path);
            if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
            if (method == "POST") request.Content = new ByteArrayContent(new byte[10]);
            using HttpResponseMessage response = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Empty(await response.Content.ReadAsByteArrayAsync());
            Assert.False(response.Headers.Contains("Server"));
        }
        using var stranger = new HttpNodeConnector("another key that is not theirs....", TimeSpan.FromSeconds(120), TimeProvider.System);
        Assert.Equal(ErrorIds.NodeRefused, (await Assert.ThrowsAsync<MessageStoreException>(async () => await stranger.Connect(server.Url).GetStatusAsync())).ErrorId);
    }

    [Theory]
    [InlineData("/units/u1/volumes/../../../../etc/passwd")]
    [InlineData("/units/u1/volumes/..%2f..%2f/x")]
    [InlineData("/units/u1/volumes/2026-07-31/..%2f..%2funit.json")]
    [InlineData("/units/u1/volumes/%2e%2e/unit.json")]
    [InlineData("/units/..%2f..%2fetc/volumes/2026-07-31/passwd")]
    public async Task No_path_leads_out_of_a_unit(string path)
    {
        await using var fixture = new NodeFixture();
        NodeServer server = await fixture.StartAsync("n1");
        // By hand: HttpClient would tidy the path up.
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {NodeFixture.Key}\r\n\r\n"));
        string answer = await new StreamReader(stream).ReadToEndAsync();
        Assert.Matches("^HTTP/1.1 40[04] ", answer);
        Assert.DoesNotContain("root:", answer);
        Assert.DoesNotContain("Salt", answer);
    }

    [Fact]
    public async Task What_is_too_large_is_refused_before_it_is_read()
    {
        await using var fixture = new NodeFixture();
        NodeServer server = await fixture.StartAsync("n1");
        Assert.StartsWith("HTTP/1.1 413", await AskAsync($"POST /records HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {NodeFixture.Key}\r\nContent-Length: 99999999999\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 411", await AskAsync($"POST /records HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {NodeFixture.Key}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 431", await AskAsync("GET / HTTP/1.1\r\nHost: x\r\n" + string.Concat(Enumerable.Range(0, 100).Select(n => $"X-{n}: y\r\n")) + "\r\n"));
        Assert.StartsWith("HTTP/1.1 400", await AskAsync($"POST /records HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {NodeFixture.Key}\r\nContent-Length: 4\r\n\r\nMSA1"));

        async Task<string> AskAsync(string request)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
            await using NetworkStream stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
            return await new StreamReader(stream).ReadToEndAsync();
        }
    }

    [Fact]
    public async Task Off_loopback_a_node_refuses_to_start_without_tls()
    {
        await using var fixture = new NodeFixture();
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => fixture.StartAsync("n1", o => o with { Listen = new IPEndPoint(IPAddress.Any, 0) }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
        Assert.Contains("TLS", error.Message);
        Assert.False(Directory.Exists(Path.Combine(fixture.Root, "n1", "disk1")));
        error = await Assert.ThrowsAsync<MessageStoreException>(() => fixture.StartAsync("n1", o => o with { SharedKey = "short" }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
    }

    [Fact]
    public async Task With_tls_records_go_to_a_node_whose_certificate_we_trust_and_to_no_other()
    {
        await using var fixture = new NodeFixture();
        string path = Path.Combine(fixture.Root, "node.pfx");
        using X509Certificate2 certificate = SelfSigned();
        await File.WriteAllBytesAsync(path, certificate.Export(X509ContentType.Pkcs12));
        NodeServer server = await fixture.StartAsync("n1", o => o with { CertificatePath = path });
        Assert.StartsWith("https://", server.Url);
        using var trusting = new HttpNodeConnector(NodeFixture.Key, TimeSpan.FromSeconds(120), TimeProvider.System, authority: X509CertificateLoader.LoadCertificate(certificate.RawData));
        IncomingRecord record = fixture.Record(1);
        HopAnswer stored = (await trusting.Connect(server.Url).AppendAsync(new AppendRequest([new Hop(server.Url, "n1/u1")], [NodeFixture.Sent(record)]))).Single();
        Assert.True(stored.IsAcknowledged);
        Assert.Equal(ErrorIds.NodeUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(async () => await fixture.Connector.Connect(server.Url).GetStatusAsync())).ErrorId);
    }

    [Fact]
    public async Task With_client_certificates_only_those_get_in_that_the_authority_has_signed_and_chains_go_through()
    {
        await using var fixture = new NodeFixture();
        using X509Certificate2 authority = SelfSigned("CN=authority"), stranger = SelfSigned("CN=stranger");
        string authorityFile = Path.Combine(fixture.Root, "ca.crt");
        await File.WriteAllTextAsync(authorityFile, authority.ExportCertificatePem());
        foreach (string name in (string[])["n1", "n2"])
        {
            string path = Path.Combine(fixture.Root, name + ".pfx");
            using X509Certificate2 own = Signed(authority, name);
            await File.WriteAllBytesAsync(path, own.Export(X509ContentType.Pkcs12));
            await fixture.StartAsync(name, o => o with { SharedKey = "", CertificatePath = path, AuthorityPath = authorityFile, ClientCertificates = true });
        }
        using X509Certificate2 trusted = X509CertificateLoader.LoadCertificate(authority.RawData), ours = Signed(authority, "database");
        using var known = new HttpNodeConnector("", TimeSpan.FromSeconds(120), TimeProvider.System, trusted, ours);
        IncomingRecord record = fixture.Record(1);
        Hop[] hops = [new(fixture["n1"].Url, "n1/u1"), new(fixture["n2"].Url, "n2/u1")];
        IReadOnlyList<HopAnswer> answers = await known.Connect(hops[0].Url).AppendAsync(new AppendRequest(hops, [NodeFixture.Sent(record)]));
        Assert.All(answers, a => Assert.True(a.IsAcknowledged, a.Error?.Message));

        foreach (X509Certificate2? shown in (X509Certificate2?[])[null, stranger])
        {
            using var unknown = new HttpNodeConnector("", TimeSpan.FromSeconds(120), TimeProvider.System, trusted, shown);
            Assert.Equal(ErrorIds.NodeUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(async () => await unknown.Connect(hops[0].Url).GetStatusAsync())).ErrorId);
        }
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => fixture.StartAsync("n3", o => o with { SharedKey = "", ClientCertificates = true }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
    }

    [Fact]
    public async Task A_node_that_does_not_answer_is_left_after_its_time_and_another_takes_its_place()
    {
        await using var fixture = new NodeFixture();
        await fixture.StartAsync("n1");
        await fixture.StartAsync("n2");
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start(); // takes connections and says nothing
        await fixture.Directory.RegisterAsync(new StorageServerRecord
        {
            Name = "n0", Url = $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}", Weight = ushort.MaxValue, Units = [new StorageUnitRecord { Name = "u1" }],
        });
        string silentUrl = $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}";
        using var impatient = new HttpNodeConnector(NodeFixture.Key, TimeSpan.FromMilliseconds(500), TimeProvider.System);
        var connector = new OneImpatientWay(silentUrl, impatient, fixture.Connector);
        var options = new ReplicationOptions();
        var directory = new DirectoryCache(fixture.Directory, options, TimeProvider.System);
        var writer = new ReplicatedWriter(directory, connector, new NodeSelector(new Random(1), TimeProvider.System), options);
        for (int n = 1; n <= 5; n++)
        {
            IReadOnlyList<HopAnswer> stored = await writer.WriteAsync([NodeFixture.Sent(fixture.Record(n))]);
            Assert.Equal(["n1", "n2"], stored.Select(s => DirectoryCache.NodeOf(s.Unit)).Order());
        }
        Assert.True(directory.IsSuspect("n0"));
    }

    [Fact]
    public async Task Ranges_are_answered_as_http_says()
    {
        await using var fixture = new NodeFixture();
        NodeServer server = await fixture.StartAsync("n1");
        IncomingRecord record = fixture.Record(1);
        HopAnswer stored = (await fixture.Connector.Connect(server.Url).AppendAsync(new AppendRequest([new Hop(server.Url, "n1/u1")], [NodeFixture.Sent(record)]))).Single();
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", NodeFixture.Key);
        byte[] whole = await http.GetByteArrayAsync($"{server.Url}/units/u1/volumes/{stored.Places[0].Volume}");
        Assert.Equal(48 + record.Bytes.Length, whole.Length);
        Assert.Equal((HttpStatusCode.PartialContent, Convert.ToHexString(whole[10..20])), await RangeAsync(10, 19));
        Assert.Equal((HttpStatusCode.PartialContent, Convert.ToHexString(whole[100..])), await RangeAsync(100, null));
        Assert.Equal((HttpStatusCode.PartialContent, Convert.ToHexString(whole[^7..])), await RangeAsync(null, 7));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await RangeAsync(whole.Length, null)).Item1);

        async Task<(HttpStatusCode, string)> RangeAsync(long? from, long? to)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{server.Url}/units/u1/volumes/{stored.Places[0].Volume}");
            request.Headers.Range = new RangeHeaderValue(from, to);
            using HttpResponseMessage response = await http.SendAsync(request);
            return (response.StatusCode, Convert.ToHexString(await response.Content.ReadAsByteArrayAsync()));
        }
    }

    [Fact]
    public void A_key_file_that_everybody_reads_or_that_is_too_short_is_refused()
    {
        using var folder = new Support.TemporaryFolder();
        string path = Path.Combine(folder.Path, "key");
        File.WriteAllText(path, NodeFixture.Key + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => SharedKey.ReadFile(path)).ErrorId);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        Assert.Equal(NodeFixture.Key, SharedKey.ReadFile(path));
        File.WriteAllText(path, "short");
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => SharedKey.ReadFile(path)).ErrorId);
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => SharedKey.ReadFile(path + "x")).ErrorId);
    }

    /// <summary>Loses patience with one node only: how fast the others are must not matter.</summary>
    private sealed class OneImpatientWay(string url, INodeConnector impatient, INodeConnector patient) : INodeConnector
    {
        public IStorageNode Connect(string to) => (to == url ? impatient : patient).Connect(to);
    }

    private static X509Certificate2 SelfSigned(string name = "CN=127.0.0.1")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>A certificate for this machine that an authority has signed.</summary>
    private static X509Certificate2 Signed(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 signed = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        using X509Certificate2 whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}
