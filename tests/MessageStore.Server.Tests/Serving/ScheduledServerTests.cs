using System.Net.Http.Json;
using System.Text.Json;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Tests.Web;

namespace MessageStore.Server.Tests.Serving;

/// <summary>The schedule in a real server. What it decides is tested in simulated time (ScheduledMaintenanceTests).</summary>
public sealed class ScheduledServerTests
{
    /// <summary>A guard against hanging, no measure of speed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_server_with_a_schedule_and_no_backup_backs_up_at_once_and_says_what_is_next()
    {
        await using WebHost site = await WebHost.StartAsync(before: static path => MaintenanceSchedules.Register(Nightly(path) with { Scheduler = MaintenanceScheduler.Server }));
        using HttpClient client = site.Client(withKey: true);
        JsonElement[] history = await UntilAsync(async () => await client.GetFromJsonAsync<JsonElement[]>(new Uri("/api/history", UriKind.Relative)), static h => h.Length > 0);
        JsonElement first = history[^1];
        Assert.Equal(("Backup", "Ran"), (first.GetProperty("task").GetString(), first.GetProperty("decision").GetString()));
        Assert.Equal("there is no complete backup of every storage group; full, because there is no whole chain of backups to go on with", first.GetProperty("reason").GetString());

        JsonElement plan = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/plan", UriKind.Relative));
        JsonElement[] tasks = [.. plan.GetProperty("schedule").GetProperty("tasks").EnumerateArray()];
        Assert.All(tasks, static t => Assert.StartsWith("not due: ", t.GetProperty("reason").GetString(), StringComparison.Ordinal));
        Assert.Equal("1.00:00:00", plan.GetProperty("maximumBackupAge").GetString());
        Assert.Equal("healthy\n", await client.GetStringAsync(new Uri("/healthz", UriKind.Relative)));
    }

    [Fact]
    public async Task Auto_is_the_server_that_owns_the_database_and_a_listing_says_why_not_now()
    {
        using var folder = new TemporaryFolder();
        string path = folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        await using (await MessageServer.StartAsync(new ServerOptions { Database = path }))
        {
            Assert.Equal(MaintenanceScheduler.Server, MaintenanceSchedules.Register(Nightly(path)).Scheduler);
            MaintenanceScheduleInfo info = (await MaintenanceSchedules.ListAsync(path, MaintenanceScheduler.Server).ToListAsync()).Single();
            Assert.All(info.Tasks, static t => Assert.NotNull(t.NextRun));
            Assert.StartsWith("not due: registered ", info.Tasks[0].Reason, StringComparison.Ordinal);
        }
        MaintenanceScheduleInfo alone = (await MaintenanceSchedules.ListAsync(path, MaintenanceScheduler.Server).ToListAsync()).Single();
        Assert.All(alone.Tasks, static t => Assert.StartsWith("no server owns the database", t.Reason, StringComparison.Ordinal));
        Assert.True(MaintenanceSchedules.Unregister(path, MaintenanceScheduler.Server));
        Assert.Empty(await MaintenanceSchedules.ListAsync(path, MaintenanceScheduler.Server).ToListAsync());
    }

    [Fact]
    public async Task A_schedule_that_cannot_be_read_is_unhealthy()
    {
        await using WebHost site = await WebHost.StartAsync(before: static path => File.WriteAllText(Path.Combine(path, "schedule.json"), "{ nonsense"));
        using HttpClient client = site.Client(withKey: true);
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, (await client.GetAsync(new Uri("/healthz", UriKind.Relative))).StatusCode);
        JsonElement status = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/status", UriKind.Relative));
        Assert.Contains("schedule.json is no schedule", status.GetProperty("health").GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
    }

    private static MaintenanceSchedule Nightly(string path) => new()
    {
        Database = path, ArchiveAt = TimeSpan.FromHours(1), BackupEvery = TimeSpan.FromHours(12), OlderThan = TimeSpan.FromDays(365), PowerShellPath = "pwsh", ModulePath = "MessageStore.psd1",
    };

    private static async Task<T> UntilAsync<T>(Func<Task<T?>> look, Func<T, bool> isThere)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await look() is { } found && isThere(found)) return found;
            await Task.Delay(50, patience.Token);
        }
    }
}
