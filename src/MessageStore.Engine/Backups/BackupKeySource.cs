namespace MessageStore;

/// <summary>How much a backup file is compressed.</summary>
public enum BackupCompression
{
    None,
    /// <summary>What costs the least time.</summary>
    Fastest,
    /// <summary>Smaller, and several times slower.</summary>
    Optimal,
}

/// <summary>
/// What backups are encrypted with, and read again: a key file or a password, one of the two. Neither is kept, logged or written anywhere; without it an encrypted backup is worth nothing.
/// </summary>
public sealed record BackupKeySource
{
    /// <summary>A file of 32 to 4,096 bytes that nobody but its owner may read. It is read where the database is open: by the server where one owns it.</summary>
    public string? KeyFile { get; init; }
    /// <summary>A password in UTF-8. Whoever made the array clears it.</summary>
    public byte[]? Password { get; init; }
}
