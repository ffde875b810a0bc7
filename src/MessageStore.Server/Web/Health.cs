namespace MessageStore.Server.Web;

/// <summary>Whether all is well, and what is not.</summary>
/// <param name="Problems">Each in a sentence; empty where healthy.</param>
internal sealed record HealthReport(bool IsHealthy, IReadOnlyList<string> Problems);

/// <summary>Looks at the invariants that are enforced and not only shown: every group open, no backup older than its limit.</summary>
internal sealed class Health(IMessageStore store, TimeSpan? maximumBackupAge)
{
    /// <summary>For whoever watches from outside, without a key and so without particulars: 200 and <c>healthy</c>, or 503 and <c>unhealthy</c>.</summary>
    public async Task<IResult> AnswerAsync(CancellationToken cancellationToken) => (await LookAsync(cancellationToken).ConfigureAwait(false)).IsHealthy
        ? Results.Text("healthy\n")
        : Results.Text("unhealthy\n", statusCode: StatusCodes.Status503ServiceUnavailable);

    public async Task<HealthReport> LookAsync(CancellationToken cancellationToken)
    {
        DatabaseStatus status;
        try
        {
            status = await store.GetStatusAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            return new HealthReport(false, [error.Message]);
        }
        List<string> problems = [];
        foreach (StorageGroupStatus group in status.StorageGroups)
        {
            if (group.State != StorageState.Open) problems.Add($"Storage group {group.Name} is {group.State}: {group.Reason}");
            if (maximumBackupAge is not { } most) continue;
            if (group.BackupAge is not { } age) problems.Add($"Storage group {group.Name} has no backup.");
            else if (age > most) problems.Add($"The newest backup of storage group {group.Name} is {age:d\\.hh\\:mm\\:ss} old; the limit is {most:d\\.hh\\:mm\\:ss}.");
        }
        return new HealthReport(problems.Count == 0, problems);
    }
}
