using System.Net;
using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Web;

namespace MessageStore.Server.Tests.Web;

/// <summary>A server with its page on a free port of loopback, and some mail in it.</summary>
internal sealed class WebHost : IAsyncDisposable
{
    private readonly TemporaryFolder place;
    private readonly MessageServer server;

    private WebHost(TemporaryFolder place, MessageServer server, Uri address, string key)
    {
        this.place = place;
        this.server = server;
        Address = address;
        Key = key;
    }

    public Uri Address { get; }

    public string Key { get; }

    public string Database => Path.Combine(place.Path, "db");

    /// <summary>A message with everything a hostile sender would put into it, and an attachment.</summary>
    public const string Hostile =
        "From: Mallory <mallory@example.org>\r\nTo: alice@example.org\r\nSubject: <img src=x onerror=alert(1)> & \"quotes\"\r\nDate: Thu, 22 Aug 2002 12:46:18 +0000\r\nMessage-ID: <h@example.org>\r\n"
        + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        + "<html><body onload=\"alert(2)\"><h1>Hello</h1><script>document.title='owned';parent.document.title='owned'</script><img src=\"http://127.0.0.1:9/track.gif\"><a href=\"javascript:alert(3)\">click</a><form action=\"/signout\" method=post><button>b</button></form></body></html>\r\n"
        + "--b\r\nContent-Type: text/html; name=\"../../evil.html\"\r\nContent-Disposition: attachment; filename=\"../../evil.html\"\r\n\r\n<script>alert(4)</script>\r\n--b--\r\n";

    public static async Task<WebHost> StartAsync(WebOptions? options = null, Action<string>? before = null, HealthLimits? health = null)
    {
        var place = new TemporaryFolder();
        string path = Path.Combine(place.Path, "db");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        before?.Invoke(path);
        options ??= new WebOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) };
        MessageServer server = await MessageServer.StartAsync(new ServerOptions { Database = path, Web = options, Health = health ?? new HealthLimits() });
        await using (IMessageStore store = await MessageDatabase.OpenAsync(path))
        {
            for (int i = 0; i < 3; i++) await AddAsync(store, $"From: Writer {i} <w{i}@example.org>\r\nTo: alice@example.org\r\nSubject: report {i}\r\nDate: Thu, 22 Aug 2002 12:4{i}:18 +0000\r\nMessage-ID: <{i}@example.org>\r\n\r\nMessage number {i}.\r\n", i);
            await AddAsync(store, Hostile, 9);
        }
        return new WebHost(place, server, new Uri(server.Addresses.Single()), (await File.ReadAllTextAsync(Path.Combine(path, AccessKey.FileName))).Trim());
    }

    /// <summary>A client that follows nothing by itself and keeps its cookies.</summary>
    public HttpClient Client(bool withKey)
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
        if (withKey) client.DefaultRequestHeaders.Authorization = new("Bearer", Key);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        place.Dispose();
    }

    private static Task<StoredMessage> AddAsync(IMessageStore store, string text, int minute) => store.AppendAsync(new MessageToAppend
    {
        Mailbox = "alice", Body = MessageBody.FromMemory(Encoding.UTF8.GetBytes(text)), ReceivedDate = new DateTimeOffset(2002, 8, 22, 12, 40 + minute, 0, TimeSpan.Zero),
    });
}
