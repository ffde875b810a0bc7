using System.Net.Security;

namespace MessageStore.Server.Intake;

/// <summary>One who brings mail, by LMTP or SMTP: commands in, replies out. What is said of the message to come is in <see cref="Envelope"/>; its text is taken in the other part.</summary>
internal sealed partial class IntakeSession(IntakeServer server, IntakeOptions listener, Line line, string client) : IAsyncDisposable
{
    /// <summary>Longest command line in bytes: RFC 5321 §4.5.3.1.4 and room for extensions and AUTH (RFC 4954 §4).</summary>
    private const int LongestCommand = 12_288;

    /// <summary>Longest wait for the last reply to go out: who takes none of the replies before it never lets it.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(10);

    private SessionPipe pipe = new(line, server.Clock);
    private SslStream? tls;
    private Envelope? envelope;
    private string hello = "";
    private bool isSignedIn;
    private bool isOver;
    private int errors;
    private int commands;

    private bool IsLmtp => listener.Protocol == IntakeProtocol.Lmtp;

    private IntakeLimits Limits => server.Settings.Limits;

    public async Task RunAsync()
    {
        pipe.Write($"220 {server.Settings.HostName} {(IsLmtp ? "LMTP" : "ESMTP")} MessageStore\r\n");
        while (!isOver)
        {
            (Arrival arrival, string line) = await NextLineAsync().ConfigureAwait(false);
            switch (arrival)
            {
                case Arrival.Here:
                    await TakeAsync(line).ConfigureAwait(false);
                    break;
                case Arrival.TooLong:
                    Say(Reply.LineTooLong);
                    break;
                case Arrival.Bad:
                    Say(Reply.BadLine);
                    break;
                case Arrival.Idle:
                    End(Reply.Idle);
                    break;
                case Arrival.Stopping:
                    End(Reply.ShuttingDown);
                    break;
                default:
                    return;
            }
            if (errors > Limits.Errors) End(Reply.TooManyErrors);
            else if (commands > Limits.Commands) End(Reply.TooManyCommands);
        }
        await pipe.EndAsync(GoodbyeTime, server.Cut).ConfigureAwait(false);
    }

    /// <summary>Waits for a command; between the chunks of a message no longer than the message may take.</summary>
    private ValueTask<(Arrival Arrival, string Line)> NextLineAsync() =>
        pipe.ReadLineAsync(LongestCommand, envelope?.Pace?.Within(Limits.IdleTime) ?? Limits.IdleTime, server.Stopping);

    /// <summary>Says one thing and hangs up.</summary>
    public async Task RefuseAsync(Reply reply)
    {
        pipe.Write(reply.Line.Span);
        await pipe.EndAsync(GoodbyeTime, server.Cut).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        envelope?.Dispose();
        pipe.Dispose();
        if (tls is not null) await tls.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask TakeAsync(string line)
    {
        commands++;
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        string verb = (space < 0 ? line : line[..space]).ToUpperInvariant(), rest = space < 0 ? "" : line[(space + 1)..].Trim(' ');
        switch (verb)
        {
            case "LHLO" when IsLmtp:
            case "EHLO" when !IsLmtp:
                Hello(rest, extended: true);
                break;
            case "HELO" when !IsLmtp:
                Hello(rest, extended: false);
                break;
            case "MAIL":
                Mail(rest);
                break;
            case "RCPT":
                Recipient(rest);
                break;
            case "DATA":
                await DataAsync(rest).ConfigureAwait(false);
                break;
            case "BDAT":
                await ChunkAsync(rest).ConfigureAwait(false);
                break;
            case "RSET":
                Reset();
                Say(Reply.Ok);
                break;
            case "NOOP":
                Say(Reply.Ok);
                break;
            case "QUIT":
                End(Reply.Bye);
                break;
            case "HELP":
                Say(Reply.Help);
                break;
            case "VRFY":
                Say(Reply.CannotVerify);
                break;
            case "EXPN":
                Say(Reply.NotImplemented);
                break;
            case "STARTTLS" when server.Tls is not null:
                await StartTlsAsync(rest).ConfigureAwait(false);
                break;
            case "AUTH" when listener.Protocol == IntakeProtocol.Submission:
                await SignInAsync(rest).ConfigureAwait(false);
                break;
            default:
                Say(Reply.Unknown);
                break;
        }
    }

    private void Hello(string name, bool extended)
    {
        if (name.Length == 0)
        {
            Say(Reply.Syntax);
            return;
        }
        Reset();
        // It goes into a header field: nothing but what a name or an address literal is made of.
        hello = new string([.. name.Where(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']').Take(255)]);
        if (!extended)
        {
            pipe.Write($"250 {server.Settings.HostName}\r\n");
            return;
        }
        List<string> lines = [server.Settings.HostName, "PIPELINING", "8BITMIME", "SMTPUTF8", $"SIZE {Limits.MessageBytes}", "CHUNKING", "ENHANCEDSTATUSCODES"];
        if (server.Tls is not null && tls is null) lines.Add("STARTTLS");
        if (listener.Protocol == IntakeProtocol.Submission && tls is not null && !isSignedIn) lines.Add("AUTH PLAIN");
        for (int i = 0; i < lines.Count; i++) pipe.Write($"250{(i < lines.Count - 1 ? '-' : ' ')}{lines[i]}\r\n");
    }

    private void Mail(string rest)
    {
        Reply? refusal = hello.Length == 0 ? Reply.GreetFirst : NotYet() ?? (envelope is not null ? Reply.OutOfOrder : null);
        if (refusal is not null || !CommandArguments.TryPath(rest, "FROM:", out string path, out string[] parameters))
        {
            Say(refusal ?? Reply.BadSender);
            return;
        }
        bool utf8 = parameters.Contains("SMTPUTF8", StringComparer.OrdinalIgnoreCase);
        foreach (string parameter in parameters)
        {
            refusal ??= parameter.ToUpperInvariant() switch
            {
                "BODY=7BIT" or "BODY=8BITMIME" => null,
                "SMTPUTF8" => null,
                var size when size.StartsWith("SIZE=", StringComparison.Ordinal) => CommandArguments.TryLength(size[5..], out long length) ? length > Limits.MessageBytes ? Reply.TooLarge : null : Reply.Syntax,
                var auth when auth.StartsWith("AUTH=", StringComparison.Ordinal) && listener.Protocol == IntakeProtocol.Submission => null,
                _ => Reply.UnknownParameter,
            };
        }
        MailAddress? sender = null;
        if (refusal is null && path.Length > 0 && (sender = MailAddress.TryParse(path, utf8)) is null) refusal = MailAddress.TryParse(path, allowUnicode: true) is null ? Reply.BadSender : Reply.NeedsUtf8;
        if (refusal is null) envelope = new Envelope(sender?.ToString() ?? "", utf8);
        Say(refusal ?? Reply.SenderOk);
    }

    private void Recipient(string rest)
    {
        if (envelope is null || envelope.Chunks is not null) Say(Reply.OutOfOrder);
        else if (!CommandArguments.TryPath(rest, "TO:", out string path, out string[] parameters)) Say(Reply.BadAddress);
        else if (parameters.Length > 0) Say(Reply.UnknownParameter);
        else if (envelope.Recipients.Count >= Limits.Recipients) Say(Reply.TooManyRecipients);
        else if (MailAddress.TryParse(path, envelope.IsUtf8) is not { } address) Say(MailAddress.TryParse(path, allowUnicode: true) is null ? Reply.BadAddress : Reply.NeedsUtf8);
        else
        {
            (IReadOnlyList<Destination> destinations, Reply? refused) = server.Recipients.Resolve(address);
            if (refused is null) envelope.Recipients.Add(destinations);
            Say(refused ?? Reply.RecipientOk);
        }
    }

    /// <summary>What must come before mail is taken here.</summary>
    private Reply? NotYet() =>
        tls is null && !listener.AllowPlaintext ? Reply.TlsFirst
        : listener.Protocol == IntakeProtocol.Submission && !isSignedIn ? Reply.SignInFirst
        : null;

    private async Task StartTlsAsync(string rest)
    {
        // What was sent along with STARTTLS was sent by anybody (RFC 3207 §6): such a client is refused.
        if (tls is not null || rest.Length > 0 || pipe.HasMore)
        {
            Say(Reply.OutOfOrder);
            if (pipe.HasMore) isOver = true;
            return;
        }
        Say(Reply.ReadyForTls);
        await pipe.FlushAsync(server.Cut).ConfigureAwait(false);
        Reset();
        hello = "";
        tls = new SslStream(line.AsStream());
        using var patient = new CancellationTokenSource(Limits.DataIdleTime, server.Clock);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(server.Cut, patient.Token);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = server.Tls }, patience.Token).ConfigureAwait(false);
        pipe.Dispose();
        pipe = new SessionPipe(new StreamLine(tls), server.Clock);
    }

    private async Task SignInAsync(string rest)
    {
        string[] words = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Reply? refusal = hello.Length == 0 ? Reply.GreetFirst : tls is null ? Reply.TlsFirst : isSignedIn || envelope is not null ? Reply.OutOfOrder
            : words.Length == 0 || !words[0].Equals("PLAIN", StringComparison.OrdinalIgnoreCase) ? Reply.UnknownMechanism : null;
        if (refusal is not null)
        {
            Say(refusal);
            return;
        }
        string response = words.Length > 1 ? words[1] : "";
        if (words.Length == 1)
        {
            Say(Reply.Credentials);
            (Arrival arrival, response) = await pipe.ReadLineAsync(LongestCommand, Limits.IdleTime, server.Stopping).ConfigureAwait(false);
            if (arrival != Arrival.Here) response = "*";
        }
        isSignedIn = CommandArguments.TryPlain(response, out string name, out string password) && server.Settings.Users.TryGetValue(name, out string? hash) && PasswordHash.Matches(hash, password);
        Say(isSignedIn ? Reply.SignedIn : Reply.BadCredentials);
    }

    private void Reset()
    {
        envelope?.Dispose();
        envelope = null;
    }

    private void Say(Reply reply)
    {
        if (reply.IsRefusal) errors++;
        pipe.Write(reply.Line.Span);
    }

    private void End(Reply reply)
    {
        pipe.Write(reply.Line.Span);
        isOver = true;
    }
}
