using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Replication;
using MessageStore.Server.Retrieval;
using MessageStore.Server.Tests.Nodes;

namespace MessageStore.Server.Tests.Retrieval;

/// <summary>Messages by Id over HTTP, from real storage nodes.</summary>
public sealed class RetrievalServerTests : IAsyncLifetime, IDisposable
{
    private static readonly ArchiveOptions Everything = new() { Before = DateTimeOffset.MaxValue };

    private readonly NodeFixture fixture = new();
    private readonly HttpClient http = new(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None });
    private EmbeddedMessageStore store = null!;
    private RetrievalServer server = null!;

    public async Task InitializeAsync()
    {
        await fixture.StartAsync("n1");
        await fixture.StartAsync("n2");
        string path = Path.Combine(fixture.Root, "db"), key = Path.Combine(fixture.Root, "key");
        await File.WriteAllTextAsync(key, NodeFixture.Key);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        store = (EmbeddedMessageStore)await MessageDatabase.OpenAsync(path);
        await store.SetNodesAsync(new NodeSettings { Directory = fixture.DirectoryFile, KeyFile = key });
        server = await RetrievalServer.StartAsync(store, new RetrievalOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), SharedKey = NodeFixture.Key });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", NodeFixture.Key);
    }

    public async Task DisposeAsync()
    {
        await server.DisposeAsync();
        await store.DisposeAsync();
        await fixture.DisposeAsync();
    }

    public void Dispose() => http.Dispose();

    [Fact]
    public async Task A_message_comes_byte_for_byte_from_store_and_archive_with_its_digest_as_its_tag()
    {
        byte[] small = Mail(1, 3000), large = Mail(2, 3 << 20);
        Guid[] ids = [await AppendAsync(small), await AppendAsync(large)];
        await SeeAsync();
        await store.ArchiveAsync(Everything);
        await SeeAsync();
        await SeeAsync(); // the small one is in memory now

        async Task SeeAsync()
        {
            foreach ((Guid id, byte[] expected) in ids.Zip((byte[][])[small, large]))
            {
                using HttpResponseMessage response = await http.GetAsync($"{server.Url}/messages/{id}");
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                Assert.Equal(expected, await response.Content.ReadAsByteArrayAsync());
                Assert.Equal("message/rfc822", response.Content.Headers.ContentType!.MediaType);
                Assert.Equal($"\"{Convert.ToHexStringLower(SHA256.HashData(expected))}\"", response.Headers.ETag!.Tag);
            }
        }
    }

    [Fact]
    public async Task Whoever_takes_gzip_gets_the_record_as_it_lies_and_it_unpacks_to_the_message()
    {
        byte[] mail = Mail(1, 5000);
        Guid id = await AppendAsync(mail);
        await store.ArchiveAsync(Everything);
        ArchiveKey key = (await store.ListKeysAsync(id).ToListAsync())[0];
        using HttpResponseMessage response = await AskAsync(id, r => r.Headers.AcceptEncoding.ParseAdd("br, gzip;q=0.5"));
        byte[] record = await response.Content.ReadAsByteArrayAsync();
        string path = Path.Combine(fixture.Root, DirectoryCache.NodeOf(key.Unit), "disk1", "volumes", key.Volume);
        Assert.Equal(File.ReadAllBytes(path).AsSpan((int)key.Offset, (int)key.Length).ToArray(), record);
        Assert.Equal(("application/mbox", "gzip"), (response.Content.Headers.ContentType!.MediaType, response.Content.Headers.ContentEncoding.Single()));
        using var unpacked = new MemoryStream();
        await using (var gzip = new GZipStream(new MemoryStream(record), CompressionMode.Decompress)) await gzip.CopyToAsync(unpacked);
        byte[] entry = unpacked.ToArray();
        int head = entry.AsSpan().IndexOf((byte)'\n') + 1;
        Assert.StartsWith("From ", Encoding.ASCII.GetString(entry, 0, head));
        Assert.Equal(mail, entry[head..(head + mail.Length)]);

        // Whoever wants the message itself says so, and it is another representation with another tag.
        using HttpResponseMessage plain = await AskAsync(id, r =>
        {
            r.Headers.AcceptEncoding.ParseAdd("gzip");
            r.Headers.Accept.ParseAdd("message/rfc822");
        });
        Assert.Equal(mail, await plain.Content.ReadAsByteArrayAsync());
        Assert.NotEqual(plain.Headers.ETag, response.Headers.ETag);
        using HttpResponseMessage none = await AskAsync(id, r => r.Headers.AcceptEncoding.ParseAdd("gzip;q=0"));
        Assert.Equal(mail, await none.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Ranges_conditions_and_head_are_answered_as_http_says()
    {
        byte[] mail = Mail(1, 2000);
        Guid id = await AppendAsync(mail);
        await store.ArchiveAsync(Everything);
        for (int round = 0; round < 2; round++) // from a node, then from memory
        {
            Assert.Equal((HttpStatusCode.PartialContent, Convert.ToHexString(mail[10..20])), await RangeAsync(10, 19));
            Assert.Equal((HttpStatusCode.PartialContent, Convert.ToHexString(mail[100..])), await RangeAsync(100, null));
            Assert.Equal((HttpStatusCode.PartialContent, Convert.ToHexString(mail[^7..])), await RangeAsync(null, 7));
            Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await RangeAsync(mail.Length, null)).Item1);
        }
        using HttpResponseMessage whole = await AskAsync(id, _ => { });
        using HttpResponseMessage unchanged = await AskAsync(id, r => r.Headers.IfNoneMatch.Add(whole.Headers.ETag!));
        Assert.Equal((HttpStatusCode.NotModified, 0), (unchanged.StatusCode, (await unchanged.Content.ReadAsByteArrayAsync()).Length));
        using HttpResponseMessage changed = await AskAsync(id, r => r.Headers.IfNoneMatch.ParseAdd("\"another\""));
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        using HttpResponseMessage stale = await AskAsync(id, r =>
        {
            r.Headers.Range = new RangeHeaderValue(0, 9);
            r.Headers.IfRange = new RangeConditionHeaderValue("\"another\"");
        });
        Assert.Equal((HttpStatusCode.OK, mail.Length), (stale.StatusCode, (await stale.Content.ReadAsByteArrayAsync()).Length));
        using HttpResponseMessage head = await AskAsync(id, r => r.Method = HttpMethod.Head);
        Assert.Equal((HttpStatusCode.OK, (long?)mail.Length, whole.Headers.ETag), (head.StatusCode, head.Content.Headers.ContentLength, head.Headers.ETag));

        async Task<(HttpStatusCode, string)> RangeAsync(long? from, long? to)
        {
            using HttpResponseMessage response = await AskAsync(id, r => r.Headers.Range = new RangeHeaderValue(from, to));
            return (response.StatusCode, Convert.ToHexString(await response.Content.ReadAsByteArrayAsync()));
        }
    }

    [Fact]
    public async Task What_may_not_be_read_says_why()
    {
        Guid id = await AppendAsync(Mail(1, 500)), due = await AppendAsync(Mail(2, 500), "bob"), held = await AppendAsync(Mail(3, 500), "carol");
        await store.ArchiveAsync(Everything with { Mailboxes = ["alice"] });
        await store.ArchiveAsync(Everything with { RetainFor = TimeSpan.FromTicks(1) });
        await store.AddHoldAsync(new HoldRequest { Mailbox = "carol", Reason = "court", By = "test" });
        Assert.Equal((HttpStatusCode.NotFound, "MessageNotFound"), await StatusAsync(Guid.NewGuid()));
        Assert.Equal((HttpStatusCode.Gone, "MessageExpired"), await StatusAsync(due));
        Assert.Equal(HttpStatusCode.OK, (await StatusAsync(held)).Item1);
        await store.BlockArchiveAsync("alice", "under investigation", "test");
        Assert.Equal((HttpStatusCode.Forbidden, "ArchiveAccessDenied"), await StatusAsync(id));
        await store.UnblockArchiveAsync("alice", "", "test");
        Assert.Equal(HttpStatusCode.OK, (await StatusAsync(id)).Item1);
        await store.BlockArchiveAsync("alice", "again", "test");
        Assert.Equal(HttpStatusCode.Forbidden, (await StatusAsync(id)).Item1); // although it is in memory
        await store.ExpireAsync(new ExpiryOptions());
        Assert.Equal((HttpStatusCode.Gone, "MessageExpired"), await StatusAsync(due));
        using HttpResponseMessage nonsense = await http.GetAsync($"{server.Url}/messages/nonsense");
        Assert.Equal(HttpStatusCode.NotFound, nonsense.StatusCode);

        async Task<(HttpStatusCode, string)> StatusAsync(Guid of)
        {
            using HttpResponseMessage response = await AskAsync(of, _ => { });
            return (response.StatusCode, response.Headers.TryGetValues(HttpStorageNode.ErrorHeader, out IEnumerable<string>? error) ? error.Single() : "");
        }
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("shortened")]
    public async Task A_bad_copy_is_passed_over_and_mended(string how)
    {
        byte[] mail = Mail(1, 4000);
        Guid id = await AppendAsync(mail);
        await store.ArchiveAsync(Everything);
        ArchiveKey bad = store.Database.Keys.Find(id)[0]; // the copy that is read first
        string path = Path.Combine(fixture.Root, DirectoryCache.NodeOf(bad.Unit), "disk1", "volumes", bad.Volume);
        using (IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.ReadWrite))
        {
            if (how == "shortened") file.SetLength(bad.Offset - 1);
            else file.Write(new byte[30], bad.Offset + bad.Length - 60);
        }
        using HttpResponseMessage response = await AskAsync(id, _ => { });
        Assert.Equal(mail, await response.Content.ReadAsByteArrayAsync());
        await store.Database.Nodes!.Repairs.Idle;
        IReadOnlyList<ArchiveKey> keys = store.Database.Keys.Find(id);
        Assert.Equal(2, keys.Count);
        foreach (ArchiveKey copy in keys) await store.Database.Archive.VerifyAsync(copy);
    }

    [Fact]
    public async Task With_every_copy_away_or_bad_no_byte_is_sent()
    {
        Guid id = await AppendAsync(Mail(1, 4000));
        await store.ArchiveAsync(Everything);
        foreach (ArchiveKey key in store.Database.Keys.Find(id))
        {
            using IStorageFile file = DiskStorage.Instance.Open(Path.Combine(fixture.Root, DirectoryCache.NodeOf(key.Unit), "disk1", "volumes", key.Volume), FileAccessKind.ReadWrite);
            file.Write(new byte[30], key.Offset + key.Length - 60);
        }
        using HttpResponseMessage bad = await AskAsync(id, _ => { });
        Assert.Equal((HttpStatusCode.InternalServerError, "ArchiveDamaged"), (bad.StatusCode, bad.Headers.GetValues(HttpStorageNode.ErrorHeader).Single()));
        await fixture.StopAsync("n1");
        await fixture.StopAsync("n2");
        using HttpResponseMessage away = await AskAsync(id, _ => { });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
    }

    [Fact]
    public async Task Keys_and_health_are_told_and_a_stranger_learns_nothing()
    {
        Guid id = await AppendAsync(Mail(1, 100));
        await store.ArchiveAsync(Everything);
        ArchiveKey[]? keys = JsonSerializer.Deserialize<ArchiveKey[]>(await http.GetStringAsync($"{server.Url}/messages/{id}/keys"), HttpStorageNode.Json);
        Assert.Equal((await store.ListKeysAsync(id).ToListAsync()).OrderBy(k => k.Unit), keys!.OrderBy(k => k.Unit));
        using JsonDocument health = JsonDocument.Parse(await http.GetStringAsync($"{server.Url}/health"));
        Assert.True(health.RootElement.GetProperty("serves").GetBoolean());
        Assert.Equal(0, health.RootElement.GetProperty("repairsWaiting").GetInt32());
        http.DefaultRequestHeaders.Authorization = null;
        foreach (string path in (string[])["/health", $"/messages/{id}", $"/messages/{id}/keys", "/nothing"])
        {
            using HttpResponseMessage response = await http.GetAsync(server.Url + path);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Empty(await response.Content.ReadAsByteArrayAsync());
            Assert.False(response.Headers.Contains("Server"));
        }
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => RetrievalServer.StartAsync(store, new RetrievalOptions { EndPoint = new IPEndPoint(IPAddress.Any, 0), SharedKey = NodeFixture.Key }));
        Assert.Contains("TLS", error.Message);
    }

    [Fact]
    public async Task What_is_no_request_of_ours_is_refused()
    {
        Guid id = await AppendAsync(Mail(1, 500));
        foreach ((string method, string path, HttpStatusCode status, string[] allowed) in ((string, string, HttpStatusCode, string[])[])[
            ("POST", $"/messages/{id}", HttpStatusCode.MethodNotAllowed, ["GET", "HEAD"]),
            ("DELETE", $"/messages/{id}/keys", HttpStatusCode.MethodNotAllowed, ["GET"]),
            ("HEAD", "/health", HttpStatusCode.MethodNotAllowed, ["GET"]),
            ("GET", "/", HttpStatusCode.NotFound, []),
            ("GET", "/messages", HttpStatusCode.NotFound, []),
            ("GET", "/messages/", HttpStatusCode.NotFound, []),
            ("GET", "/messages/keys", HttpStatusCode.NotFound, []),
            ("GET", $"/messages/{id}/other", HttpStatusCode.NotFound, []),
            ("GET", $"/messages/{id}x", HttpStatusCode.NotFound, []),
            ("GET", "/messages/../health", HttpStatusCode.OK, []), // the same path, written otherwise
            ("GET", "/healthy", HttpStatusCode.NotFound, [])])
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), server.Url + path);
            using HttpResponseMessage response = await http.SendAsync(request);
            Assert.Equal((path, status), (path, response.StatusCode));
            Assert.Equal(allowed, response.Content.Headers.Allow);
        }
    }

    [Fact]
    public void The_cache_keeps_what_was_used_lately_within_its_bytes()
    {
        var cache = new MessageCache(100);
        Guid[] ids = [.. Enumerable.Range(0, 12).Select(_ => Guid.NewGuid())];
        foreach (Guid id in ids[..10]) cache.Add(id, Representation.Message, Kept(10));
        Assert.NotNull(cache.Find(ids[0], Representation.Message, "digest"));
        Assert.Null(cache.Find(ids[0], Representation.Record, "digest"));
        Assert.Null(cache.Find(ids[1], Representation.Message, "another"));
        cache.Add(ids[10], Representation.Message, Kept(20));
        Assert.Equal(100, cache.Bytes);
        Assert.Equal([true, false, false, true], ((int[])[0, 1, 2, 3]).Select(i => cache.Find(ids[i], Representation.Message, "digest") is not null));
        cache.Add(ids[11], Representation.Message, Kept(101)); // larger than all of it
        Assert.Equal(100, cache.Bytes);

        static KeptMessage Kept(int length) => new("digest", "\"digest\"", new byte[length]);
    }

    private async Task<HttpResponseMessage> AskAsync(Guid id, Action<HttpRequestMessage> change)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{server.Url}/messages/{id}");
        change(request);
        return await http.SendAsync(request);
    }

    private async Task<Guid> AppendAsync(byte[] mail, string mailbox = "alice")
    {
        using MessageBody body = MessageBody.FromMemory(mail);
        return (await store.AppendAsync(new MessageToAppend { Mailbox = mailbox, CreateMailbox = true, Body = body })).Id;
    }

    private static byte[] Mail(int number, int size)
    {
        byte[] mail = new byte[size];
        new Random(number).NextBytes(mail);
        mail.AsSpan().Replace((byte)'\n', (byte)' ');
        Encoding.ASCII.GetBytes($"From: a@example.org\nSubject: {number}\n\nFr").CopyTo(mail, 0);
        return mail;
    }
}
