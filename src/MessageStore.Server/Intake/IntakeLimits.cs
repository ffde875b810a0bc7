namespace MessageStore.Server.Intake;

/// <summary>How much those who bring mail may ask for.</summary>
internal sealed record IntakeLimits
{
    /// <summary>Longest message, in bytes.</summary>
    public long MessageBytes { get; init; } = 150_000_000;
    /// <summary>Most recipients of one message.</summary>
    public int Recipients { get; init; } = 1000;
    /// <summary>Longest line of a message, in bytes with its end.</summary>
    public int LineBytes { get; init; } = 1 << 20;
    /// <summary>Most sessions at once.</summary>
    public int Sessions { get; init; } = 4000;
    /// <summary>Most sessions at once from one address that is not loopback.</summary>
    public int SessionsPerAddress { get; init; } = 50;
    /// <summary>Most messages that are on their way in at once: each may take 1 MiB of memory. Others wait.</summary>
    public int MessagesAtOnce { get; init; } = 128;
    /// <summary>Longest wait for others' messages to make place. Senders wait two minutes for the answer to DATA (RFC 5321 §4.5.3.2.4).</summary>
    public TimeSpan PlaceTime { get; init; } = TimeSpan.FromSeconds(90);
    /// <summary>Most commands of a session since its last message.</summary>
    public int Commands { get; init; } = 2000;
    /// <summary>Most commands of a session that are refused.</summary>
    public int Errors { get; init; } = 20;
    /// <summary>Longest wait for the next command (RFC 5321 §4.5.3.2.7: five minutes).</summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromMinutes(5);
    /// <summary>Longest wait for more of a message (RFC 5321 §4.5.3.2.5: three minutes).</summary>
    public TimeSpan DataIdleTime { get; init; } = TimeSpan.FromMinutes(3);
    /// <summary>Longest time for one message, from its first byte to its last, the pauses between its chunks included.</summary>
    public TimeSpan MessageTime { get; init; } = TimeSpan.FromMinutes(15);
    /// <summary>Lowest rate of a message on the average, looked at once it has taken longer than <see cref="DataIdleTime"/>.</summary>
    public int BytesPerSecond { get; init; } = 500;
}
