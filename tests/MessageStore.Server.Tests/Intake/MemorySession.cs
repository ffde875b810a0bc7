using System.IO.Pipelines;
using System.Net;
using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Intake;
using MessageStore.Server.Telemetry;
using MessageStore.Server.Tests.Support;
using MessageStore.Tests.Support;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageStore.Server.Tests.Intake;

/// <summary>A session without a network, on a clock that a test moves: what is sent is taken before <see cref="SendAsync"/> returns, so a test of time never depends on the machine's.</summary>
internal sealed class MemorySession : IAsyncDisposable
{
    private static readonly PipeOptions AtOnce = new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Pipe there = new(AtOnce);
    private readonly Pipe back = new(AtOnce);
    private readonly PipeLine line;
    private readonly MemoryIntake intake;

    public MemorySession(MemoryIntake intake, IntakeProtocol protocol = IntakeProtocol.Lmtp)
    {
        this.intake = intake;
        line = new PipeLine(there.Reader, back.Writer);
        Ended = intake.Server.RunAsync(new IntakeOptions { Protocol = protocol, Address = new(0, 0), AllowPlaintext = true }, line, IPAddress.Loopback);
    }

    /// <summary>Ends with the session.</summary>
    public Task Ended { get; }

    /// <summary>Sends a text, and returns what has been answered until now.</summary>
    public async Task<string> SendAsync(string text)
    {
        await there.Writer.WriteAsync(Encoding.Latin1.GetBytes(text));
        return Read();
    }

    /// <summary>Lets time pass, and returns what has been said until now.</summary>
    public string Wait(TimeSpan time)
    {
        intake.Clock.Advance(time);
        return Read();
    }

    /// <summary>Returns what is said next: for what does not go on within the call that sets it off.</summary>
    public async Task<string> NextAsync()
    {
        ReadResult read = await back.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(120));
        string text = Encoding.Latin1.GetString(read.Buffer);
        back.Reader.AdvanceTo(read.Buffer.End);
        return text;
    }

    /// <summary>Sends a text to a session that may be on another thread by now, and returns what is answered until that ends with <paramref name="end"/>, or the session ends.</summary>
    public async Task<string> SendAsync(string text, string end)
    {
        string said = await SendAsync(text);
        while (!said.EndsWith(end, StringComparison.Ordinal))
        {
            string more = await NextAsync();
            if (more.Length == 0) break;
            said += more;
        }
        return said;
    }

    public async ValueTask DisposeAsync()
    {
        await there.Writer.CompleteAsync();
        await Ended.WaitAsync(TimeSpan.FromSeconds(120));
        await line.DisposeAsync();
    }

    private string Read()
    {
        if (!back.Reader.TryRead(out ReadResult read)) return "";
        string text = Encoding.Latin1.GetString(read.Buffer);
        back.Reader.AdvanceTo(read.Buffer.End);
        return text;
    }
}

/// <summary>Takes mail for alice@example.org and counts it.</summary>
internal sealed class MemoryIntake : IDisposable
{
    private readonly Lifetime lifetime = new();

    public MemoryIntake(IntakeLimits limits)
    {
        IMessageStore store = ScriptedStore.Create((_, arguments) =>
        {
            Stored.Add(((MessageToAppend)arguments[0]!).Body.Length);
            return Task.FromResult(new StoredMessage { Id = Guid.Empty, Mailbox = "", Folder = "", ReceivedDate = default, Size = 0 });
        });
        Server = new IntakeServer(new IntakeSettings { Limits = limits }, new IntakeStore(store, false, false, Clock, new Operations(Clock), NullLogger<IntakeStore>.Instance),
            new Recipients(new RecipientOptions(), name => name == "alice@example.org"), lifetime, Clock, NullLogger<IntakeServer>.Instance);
    }

    public SteppedClock Clock { get; } = new(DateTimeOffset.UnixEpoch);

    public IntakeServer Server { get; }

    /// <summary>Lengths of what was stored.</summary>
    public List<long> Stored { get; } = [];

    public void Dispose()
    {
        Server.Dispose();
        lifetime.Dispose();
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
