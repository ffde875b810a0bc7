using System.Text;

namespace MessageStore.Server.Intake;

/// <summary>An answer to a command: code (RFC 5321 §4.2), enhanced code (RFC 3463), text.</summary>
/// <param name="Code">Three digits.</param>
/// <param name="Enhanced">Class, subject and detail; empty where none belongs (greetings, the answer to EHLO, 354).</param>
/// <param name="Text">For people; ASCII.</param>
internal sealed record Reply(int Code, string Enhanced, string Text)
{
    public static Reply Ok { get; } = new(250, "2.0.0", "Ok");
    public static Reply SenderOk { get; } = new(250, "2.1.0", "Sender ok");
    public static Reply RecipientOk { get; } = new(250, "2.1.5", "Recipient ok");
    public static Reply Stored { get; } = new(250, "2.0.0", "Stored");
    public static Reply GoAhead { get; } = new(354, "", "End data with <CR><LF>.<CR><LF>");
    public static Reply Bye { get; } = new(221, "2.0.0", "Bye");
    public static Reply Help { get; } = new(214, "2.0.0", "See RFC 5321 and RFC 2033");
    public static Reply CannotVerify { get; } = new(252, "2.5.0", "Send some mail, and it will be seen");
    public static Reply ReadyForTls { get; } = new(220, "2.0.0", "Ready to start TLS");
    public static Reply SignedIn { get; } = new(235, "2.7.0", "Signed in");
    public static Reply Credentials { get; } = new(334, "", "");
    public static Reply ShuttingDown { get; } = new(421, "4.3.2", "The server is stopping");
    public static Reply Idle { get; } = new(421, "4.4.2", "Nothing came for too long");
    public static Reply TooSlow { get; } = new(421, "4.4.2", "The message comes too slowly");
    public static Reply TooManySessions { get; } = new(421, "4.7.0", "Too many sessions");
    public static Reply TooManyErrors { get; } = new(421, "4.7.0", "Too many errors");
    public static Reply TooManyCommands { get; } = new(421, "4.7.0", "Too many commands without a message");
    public static Reply TryLater { get; } = new(451, "4.3.0", "Cannot say now, try again later");
    public static Reply NoPlace { get; } = new(451, "4.3.2", "Too many messages at once, try again later");
    public static Reply TooManyRecipients { get; } = new(452, "4.5.3", "Too many recipients");
    public static Reply DiskFull { get; } = new(452, "4.3.1", "The disk is full");
    public static Reply Unknown { get; } = new(500, "5.5.1", "There is no such command");
    public static Reply LineTooLong { get; } = new(500, "5.5.2", "The line is too long");
    public static Reply BadLine { get; } = new(500, "5.5.2", "A line ends with CR LF and holds neither of them alone");
    public static Reply Syntax { get; } = new(501, "5.5.4", "Cannot read the arguments");
    public static Reply BadAddress { get; } = new(501, "5.1.3", "Cannot read the address");
    public static Reply BadSender { get; } = new(501, "5.1.7", "Cannot read the address");
    public static Reply NotImplemented { get; } = new(502, "5.5.1", "Not implemented");
    public static Reply OutOfOrder { get; } = new(503, "5.5.1", "Not now");
    public static Reply GreetFirst { get; } = new(503, "5.5.1", "Say hello first");
    public static Reply NoRecipients { get; } = new(503, "5.5.1", "There is no recipient");
    public static Reply UnknownMechanism { get; } = new(504, "5.5.4", "Only PLAIN");
    public static Reply TlsFirst { get; } = new(530, "5.7.0", "Start TLS first");
    public static Reply SignInFirst { get; } = new(530, "5.7.0", "Sign in first");
    public static Reply BadCredentials { get; } = new(535, "5.7.8", "Wrong name or password");
    public static Reply NoSuchMailbox { get; } = new(550, "5.1.1", "There is no such mailbox");
    public static Reply RelayDenied { get; } = new(550, "5.7.1", "Mail for that domain is not taken here");
    public static Reply AliasLoop { get; } = new(550, "5.4.6", "The alias leads nowhere");
    public static Reply Smuggled { get; } = new(550, "5.5.2", "A dot between line ends that are not CR LF: two messages in one, refused");
    public static Reply TextLineTooLong { get; } = new(550, "5.6.0", "The message has a line that is too long");
    public static Reply TooLarge { get; } = new(552, "5.3.4", "The message is too large");
    public static Reply BadName { get; } = new(553, "5.1.3", "No mailbox can have that name");
    public static Reply NeedsUtf8 { get; } = new(553, "5.6.7", "That address needs SMTPUTF8");
    public static Reply UnknownParameter { get; } = new(555, "5.5.4", "There is no such parameter");

    /// <summary>The line, with its end.</summary>
    public ReadOnlyMemory<byte> Line { get; } = Encoding.ASCII.GetBytes(Enhanced.Length == 0 ? $"{Code} {Text}\r\n" : $"{Code} {Enhanced} {Text}\r\n");

    public bool IsRefusal => Code >= 400;
}
