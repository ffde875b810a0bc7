namespace MessageStore;

/// <summary>A file that a restore is going to read.</summary>
/// <param name="Order">From 1: images, then logs and patches, then logs that survived.</param>
/// <param name="Part">What is taken from it, such as <c>images, logs and patches</c>.</param>
/// <param name="Bytes">Its length.</param>
public sealed record RestorePreviewFile(int Order, string Path, string Part, long Bytes);

/// <summary>What a restore would do; nothing was touched to find out.</summary>
public sealed record RestorePreview
{
    /// <summary>Where the database is to stand.</summary>
    public required string Path { get; init; }
    public required string BackupPath { get; init; }
    public IReadOnlyList<string> StorageGroups { get; init; } = [];
    /// <summary>The files to be read, in order.</summary>
    public IReadOnlyList<RestorePreviewFile> Files { get; init; } = [];
    /// <summary>Bytes to be read.</summary>
    public long Bytes { get; init; }
    /// <summary>Bytes that the restored groups take before anything is moved aside.</summary>
    public long NeededBytes { get; init; }
    /// <summary>Folders that would be moved aside.</summary>
    public IReadOnlyList<string> MovedAside { get; init; } = [];
    public TimeSpan ExpectedDuration { get; init; }
    /// <summary>Bytes a second that <see cref="ExpectedDuration"/> reckons with.</summary>
    public double BytesPerSecond { get; init; }
    /// <summary>Where that rate comes from.</summary>
    public string RateSource { get; init; } = "";
}
