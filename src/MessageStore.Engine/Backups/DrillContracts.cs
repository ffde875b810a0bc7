namespace MessageStore;

/// <summary>How a drill is to be done.</summary>
public sealed record DrillOptions
{
    /// <summary>A backup file, or a folder whose newest complete backup is taken.</summary>
    public required string Path { get; init; }
    /// <summary>A folder to restore into; <see langword="null"/> for the temporary folder, or the backup's own where that has more room. What the drill makes there it deletes.</summary>
    public string? ScratchPath { get; init; }
    /// <summary>What the backup is encrypted with; <see langword="null"/> where it is not.</summary>
    public BackupKeySource? Key { get; init; }
    /// <summary>After this time the drill is given up and nothing is proved; <see langword="null"/> for as long as it takes.</summary>
    public TimeSpan? TimeLimit { get; init; }
}

public enum DrillResult
{
    Verified,
    Failed,
    /// <summary>The drill could not be carried out, so nothing is proved either way.</summary>
    Inconclusive,
}

/// <summary>What a drill found.</summary>
public sealed record BackupDrill
{
    public required string Path { get; init; }
    public string BackupPath => Path;
    public required DrillResult Result { get; init; }
    /// <summary>Messages that came back and were compared.</summary>
    public long Messages { get; init; }
    /// <summary>Messages that differ, are missing or are too many.</summary>
    public long Differences { get; init; }
    /// <summary>From the first byte read to a database ready to serve.</summary>
    public TimeSpan RestoreDuration { get; init; }
    public TimeSpan Duration { get; init; }
    /// <summary>What was found: the damage with file and offset, or why the drill was inconclusive; empty where verified.</summary>
    public string Reason { get; init; } = "";
    /// <summary>Where the files of the backup are not what was written, the first 1,000 stretches.</summary>
    public IReadOnlyList<BackupDamage> Damage { get; init; } = [];
    /// <summary>Messages that the backup does not hold whole, the first 1,000. <see cref="Differences"/> counts all.</summary>
    public IReadOnlyList<LostMessage> LostMessages { get; init; } = [];
}
