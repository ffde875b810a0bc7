namespace MessageStore.Server.Web;

/// <summary>What an administrator looks at: the database and its groups, backups, archives, decisions, growth.</summary>
internal static class StatusApi
{
    private const int LongestHistory = 200;
    private const int MostBackups = 100;
    private const int MostArchives = 1000;

    public static void Map(IEndpointRouteBuilder api, IMessageStore store, Health health, Series series)
    {
        api.MapGet("/status", async (CancellationToken aborted) => new StatusView
        {
            Database = await store.GetStatusAsync(aborted).ConfigureAwait(false),
            Health = await health.LookAsync(aborted).ConfigureAwait(false),
        }).WithSummary("The database, its storage groups, and whether all is well.");

        api.MapGet("/mailboxes", (string? match, CancellationToken aborted) => store.ListMailboxesAsync(Pattern(match), aborted))
            .WithSummary("Mailboxes whose name matches a pattern with * and ?, or all.");

        api.MapGet("/archives", (string? mailbox, CancellationToken aborted) => store.ListArchivesAsync(Pattern(mailbox), aborted).Take(MostArchives))
            .WithSummary("Archives of mailboxes, 1,000 at most.");

        api.MapGet("/backups", (CancellationToken aborted) => store.ListBackupsAsync(cancellationToken: aborted).Take(MostBackups))
            .WithSummary("Backups at the backup path, newest first, 100 at most.");

        api.MapGet("/history", (int? first, CancellationToken aborted) => store.ListHistoryAsync(aborted).Take(Math.Clamp(first ?? LongestHistory, 1, LongestHistory)).Select(static record => record with { Result = null }))
            .WithSummary("Decisions of the scheduler with their reasons, newest first, 200 at most.");

        api.MapGet("/plan", (CancellationToken aborted) => store.GetMaintenancePlanAsync(aborted)).WithSummary("What the server's schedule does next, and why not now.");

        api.MapGet("/nodes", async (CancellationToken aborted) => (await store.GetStatusAsync(aborted).ConfigureAwait(false)).Nodes is null ? [] : await store.ListStorageNodesAsync(aborted).ToListAsync(aborted).ConfigureAwait(false))
            .WithSummary("Storage nodes of the database's directory, records that have run out included.");

        api.MapGet("/series", () => series.Points()).WithSummary("Hot and archived bytes, the age of the newest backup and what users waited, over time.");
    }

    private static string? Pattern(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <summary>The first thing that the page shows.</summary>
internal sealed record StatusView
{
    public required DatabaseStatus Database { get; init; }
    public required HealthReport Health { get; init; }
}
