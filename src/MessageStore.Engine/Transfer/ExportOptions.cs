namespace MessageStore;

/// <summary>The form in which messages are exported.</summary>
public enum ExportFormat
{
    /// <summary>A folder with one file for each message, byte for byte.</summary>
    Eml,
    /// <summary>One mboxrd file, packed with gzip where its name ends with <c>.gz</c>.</summary>
    Mbox,
}

/// <summary>How messages are exported.</summary>
public sealed record ExportOptions
{
    /// <summary>The folder (Eml) or file (Mbox) to write; folders that are missing are created.</summary>
    public required string Path { get; init; }
    public ExportFormat Format { get; init; }
    /// <summary>Replace files that exist already.</summary>
    public bool Force { get; init; }
}

/// <summary>What became of an export.</summary>
public sealed record ExportResult
{
    /// <summary>The full path of the folder or file that was written.</summary>
    public required string Path { get; init; }
    public required ExportFormat Format { get; init; }
    /// <summary>Messages written.</summary>
    public long Exported { get; init; }
    /// <summary>Messages that could not be read, or whose file existed already.</summary>
    public long Failed { get; init; }
    /// <summary>Bytes of the messages written, without quoting and before packing.</summary>
    public long Bytes { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>The errors behind <see cref="Failed"/>, the first 100 of them.</summary>
    public IReadOnlyList<string> Errors { get; init; } = [];
}
