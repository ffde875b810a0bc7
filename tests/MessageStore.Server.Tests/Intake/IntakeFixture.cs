using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MessageStore.Remote;
using MessageStore.Server.Intake;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Intake;

/// <summary>A server with a database of its own that takes mail on loopback: mailboxes alice@example.org and bob@example.org.</summary>
internal sealed class IntakeFixture : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private MessageServer server = null!;

    public IMessageStore Store { get; private set; } = null!;

    public string Folder => folder.Path;

    public IPEndPoint Lmtp => server.IntakeAddresses[0];

    public IPEndPoint Smtp => server.IntakeAddresses[1];

    public IPEndPoint Submission => server.IntakeAddresses[2];

    public static async Task<IntakeFixture> StartAsync(IntakeLimits? limits = null, RecipientOptions? recipients = null, TimeProvider? clock = null)
    {
        var fixture = new IntakeFixture();
        string path = fixture.folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        await using (IMessageStore store = await MessageDatabase.OpenAsync(path))
            foreach (string name in (string[])["alice@example.org", "bob@example.org"]) await store.CreateMailboxAsync(name);
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        fixture.server = await MessageServer.StartAsync(new ServerOptions
        {
            Database = path,
            Clock = clock ?? TimeProvider.System,
            Intake = new IntakeSettings
            {
                HostName = "mx.example.org",
                Limits = limits ?? new IntakeLimits(),
                Recipients = recipients ?? new RecipientOptions { Domains = ["example.org"] },
                Certificate = Certificate(),
                Users = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["carol"] = PasswordHash.Create("secret") },
                Listeners =
                [
                    new IntakeOptions { Protocol = IntakeProtocol.Lmtp, Address = any, AllowPlaintext = true },
                    new IntakeOptions { Protocol = IntakeProtocol.Smtp, Address = any, AllowPlaintext = true, AddTrace = true },
                    new IntakeOptions { Protocol = IntakeProtocol.Submission, Address = any, AddTrace = true },
                ],
            },
        });
        fixture.Store = (await RemoteMessageStore.ConnectAsync(path, fixture.server.SocketPath))!;
        return fixture;
    }

    /// <summary>The texts of all messages of a mailbox, in the order in which they were stored.</summary>
    public async Task<List<string>> MailAsync(string mailbox = "alice@example.org", string? folderName = null)
    {
        var texts = new List<string>();
        await foreach (StoredMessage message in Store.ListAsync(new MessageQuery { Mailbox = mailbox, Folder = folderName }))
        {
            await using Stream stream = await Store.OpenReadAsync(message.Id);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            texts.Add(await reader.ReadToEndAsync());
        }
        return texts;
    }

    /// <summary>Connects and says hello.</summary>
    public static async Task<LineClient> HelloAsync(IPEndPoint address, string verb)
    {
        LineClient client = await LineClient.ConnectAsync(address);
        Assert.StartsWith("220 mx.example.org ", await client.ReadAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync($"{verb} client.example"), StringComparison.Ordinal);
        return client;
    }

    public Task StopAsync() => server.DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        await server.DisposeAsync();
        folder.Dispose();
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
