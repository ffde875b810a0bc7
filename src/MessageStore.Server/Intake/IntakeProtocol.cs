namespace MessageStore.Server.Intake;

/// <summary>What is spoken at an address where mail comes in.</summary>
internal enum IntakeProtocol
{
    /// <summary>RFC 2033: from the mail transfer agent in front; an answer for each recipient.</summary>
    Lmtp,
    /// <summary>RFC 5321: from other servers.</summary>
    Smtp,
    /// <summary>RFC 6409: from people's programs, who sign in over TLS.</summary>
    Submission,
}
