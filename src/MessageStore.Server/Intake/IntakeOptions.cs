using System.Net;

namespace MessageStore.Server.Intake;

/// <summary>One address where mail comes in.</summary>
internal sealed record IntakeOptions
{
    public required IntakeProtocol Protocol { get; init; }
    public required IPEndPoint Address { get; init; }
    /// <summary>Whether mail is taken without TLS. On loopback it is.</summary>
    public bool AllowPlaintext { get; init; }
    /// <summary>
    /// Whether <c>Return-Path</c> and <c>Received</c> are put in front of what came. RFC 5321 §4.4 wants that of whoever receives by SMTP; behind LMTP the mail transfer agent has
    /// done it.
    /// </summary>
    public bool AddTrace { get; init; }
}
