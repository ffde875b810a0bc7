namespace MessageStore.Server.Web;

/// <summary>What is called healthy.</summary>
internal sealed record HealthLimits
{
    /// <summary>The oldest that the newest backup of a storage group may be; <see langword="null"/> for the limit of the database's schedule, where it has one.</summary>
    public TimeSpan? MaximumBackupAge { get; init; }

    /// <summary>How many messages may have fewer copies on storage nodes than they should, as the last test of copies found.</summary>
    public long MaximumMissingCopies { get; init; }
}
