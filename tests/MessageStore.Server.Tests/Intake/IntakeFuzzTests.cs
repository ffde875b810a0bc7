using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Intake;
using MessageStore.Server.Tests.Support;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageStore.Server.Tests.Intake;

/// <summary>Random and mutated sessions: never a crash, never a hang, never a message that nobody sent whole. <c>MESSAGESTORE_FUZZ</c> sets how many.</summary>
public sealed class IntakeFuzzTests
{
    private const int Cases = 20_000;

    private static readonly string[] Pieces =
    [
        "LHLO a\r\n", "EHLO b\r\n", "MAIL FROM:<>\r\n", "MAIL FROM:<x@y> SIZE=10 BODY=8BITMIME\r\n", "RCPT TO:<alice@example.org>\r\n", "RCPT TO:<nobody@x>\r\n", "DATA\r\n", "text\r\n", ".\r\n", "..\r\n", "\n.\r\n", "\r.\r",
        "BDAT 5\r\n", "BDAT 3 LAST\r\n", "BDAT 99999999999999999999\r\n", "BDAT x\r\n", "12345", "RSET\r\n", "NOOP\r\n", "QUIT\r\n", "AUTH PLAIN AGEAYg==\r\n", "STARTTLS\r\n", "\0", "\xff\xfe", "VRFY\r\n", "MAIL FROM:<\"a\\", ">\r\n",
    ];

    [Fact]
    public async Task Nothing_breaks_a_session()
    {
        int cases = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_FUZZ"), CultureInfo.InvariantCulture, out int wanted) ? wanted : Cases;
        int stored = 0;
        using var lifetime = new Lifetime();
        IMessageStore store = ScriptedStore.Create((method, arguments) =>
        {
            Interlocked.Increment(ref stored);
            _ = ((MessageToAppend)arguments[0]!).Body.Length;
            return Task.FromResult(new StoredMessage { Id = Guid.Empty, Mailbox = "", Folder = "", ReceivedDate = default, Size = 0 });
        });
        using var server = new IntakeServer(new IntakeSettings(), new IntakeStore(store, false, false, TimeProvider.System, new Server.Telemetry.Operations(TimeProvider.System), NullLogger<IntakeStore>.Instance),
            new Recipients(new RecipientOptions(), name => name == "alice@example.org"), lifetime, TimeProvider.System, NullLogger<IntakeServer>.Instance);
        for (int seed = 0; seed < cases; seed++)
        {
            var random = new Random(seed);
            IntakeProtocol protocol = random.Next(3) switch { 0 => IntakeProtocol.Smtp, 1 => IntakeProtocol.Submission, _ => IntakeProtocol.Lmtp };
            byte[] replies = await RunAsync(server, protocol, Input(random));
            string text = Encoding.Latin1.GetString(replies);
            Assert.True(text.Split("\r\n").SkipLast(1).All(l => l.Length > 3 && char.IsAsciiDigit(l[0]) && l[3] is ' ' or '-'), $"Seed {seed}: {text}");
        }
        Assert.Equal(0, server.Sessions);
        Assert.Equal(server.Settings.Limits.MessagesAtOnce, server.Messages.CurrentCount);
        Assert.True(stored > cases / 200, $"Only {stored} messages came through.");
    }

    private static byte[] Input(Random random)
    {
        var input = new StringBuilder();
        // Half of them begin well, so that they come further.
        if (random.Next(2) == 0) input.Append(random.Next(2) == 0 ? "LHLO a\r\n" : "EHLO a\r\n").Append("MAIL FROM:<>\r\nRCPT TO:<alice@example.org>\r\n");
        for (int i = random.Next(12); i >= 0; i--) input.Append(Pieces[random.Next(Pieces.Length)]);
        byte[] bytes = Encoding.Latin1.GetBytes(input.ToString());
        for (int i = random.Next(4); i > 0 && bytes.Length > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }

    private static async Task<byte[]> RunAsync(IntakeServer server, IntakeProtocol protocol, byte[] input)
    {
        var there = new Pipe();
        var back = new Pipe();
        await using var line = new PipeLine(there.Reader, back.Writer);
        await there.Writer.WriteAsync(input);
        await there.Writer.CompleteAsync();
        Task<byte[]> replies = DrainAsync(back.Reader);
        await server.RunAsync(new IntakeOptions { Protocol = protocol, Address = new(0, 0), AllowPlaintext = protocol != IntakeProtocol.Submission }, line, IPAddress.Loopback).WaitAsync(TimeSpan.FromSeconds(120));
        await back.Writer.CompleteAsync();
        return await replies;
    }

    private static async Task<byte[]> DrainAsync(PipeReader reader)
    {
        var bytes = new MemoryStream();
        await reader.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource never = new();

        public CancellationToken ApplicationStarted => never.Token;

        public CancellationToken ApplicationStopping => never.Token;

        public CancellationToken ApplicationStopped => never.Token;

        public void StopApplication()
        {
        }

        public void Dispose() => never.Dispose();
    }
}
