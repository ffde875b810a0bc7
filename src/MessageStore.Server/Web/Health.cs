namespace MessageStore.Server.Web;

/// <summary>Whether all is well, and what is not.</summary>
/// <param name="Problems">Each in a sentence; empty where healthy.</param>
internal sealed record HealthReport(bool IsHealthy, IReadOnlyList<string> Problems);

/// <summary>Looks at the invariants that are enforced and not only shown: every group open, no backup older than its limit, no copies missing, a schedule that can be kept.</summary>
internal sealed class Health(IMessageStore store, HealthLimits limits)
{
    /// <summary>For whoever watches from outside, without a key and so without particulars: 200 and <c>healthy</c>, or 503 and <c>unhealthy</c>.</summary>
    public async Task<IResult> AnswerAsync(CancellationToken cancellationToken) => (await LookAsync(cancellationToken).ConfigureAwait(false)).IsHealthy
        ? Results.Text("healthy\n")
        : Results.Text("unhealthy\n", statusCode: StatusCodes.Status503ServiceUnavailable);

    public async Task<HealthReport> LookAsync(CancellationToken cancellationToken)
    {
        List<string> problems = [];
        TimeSpan? most = null;
        try
        {
            most = await MaximumBackupAgeAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            problems.Add(error.Message);
        }
        try
        {
            Look(await store.GetStatusAsync(cancellationToken).ConfigureAwait(false), most, problems);
        }
        catch (MessageStoreException error)
        {
            problems.Add(error.Message);
        }
        return new HealthReport(problems.Count == 0, problems);
    }

    /// <summary>How old a newest backup may be, by the configuration or else by the database's schedule; <see langword="null"/> where neither says so.</summary>
    /// <exception cref="MessageStoreException">The schedule cannot be read.</exception>
    public async Task<TimeSpan?> MaximumBackupAgeAsync(CancellationToken cancellationToken) =>
        limits.MaximumBackupAge ?? (await store.GetMaintenancePlanAsync(cancellationToken).ConfigureAwait(false)).MaximumBackupAge;

    /// <summary>In a sentence; <see langword="null"/> where the newest backup is young enough.</summary>
    public static string? WhyTooOld(StorageGroupStatus group, TimeSpan most) =>
        group.BackupAge is not { } age ? $"Storage group {group.Name} has no backup."
        : age > most ? $"The newest backup of storage group {group.Name} is {age:d\\.hh\\:mm\\:ss} old; the limit is {most:d\\.hh\\:mm\\:ss}."
        : null;

    private void Look(DatabaseStatus status, TimeSpan? mostAge, List<string> problems)
    {
        foreach (StorageGroupStatus group in status.StorageGroups)
        {
            if (group.State != StorageState.Open) problems.Add($"Storage group {group.Name} is {group.State}: {group.Reason}");
            if (mostAge is { } most && WhyTooOld(group, most) is { } old) problems.Add(old);
        }
        if (status.UnderReplicatedCount > limits.MaximumMissingCopies)
            problems.Add($"{status.UnderReplicatedCount} messages have fewer copies on storage nodes than they should, as of {status.CopiesTested:u}; the limit is {limits.MaximumMissingCopies}.");
    }
}
