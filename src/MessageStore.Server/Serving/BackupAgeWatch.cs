using MessageStore.IO;
using MessageStore.Server.Web;

namespace MessageStore.Server.Serving;

/// <summary>
/// Looks every minute whether a storage group's newest backup has become older than it may be, and enters that in the system's log, once until there is a newer one: nobody may be asking for <c>/healthz</c>. A group without
/// any backup counts once the server has run for as long as the limit.
/// </summary>
internal sealed partial class BackupAgeWatch(IMessageStore store, Health health, ISystemLog system, TimeProvider clock, ILogger<BackupAgeWatch> log) : BackgroundService
{
    /// <summary>From one look to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly HashSet<string> said = new(StringComparer.OrdinalIgnoreCase);
    private bool saidThatNotEntered;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DateTimeOffset begun = clock.GetUtcNow();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(begun, stoppingToken).ConfigureAwait(false);
                await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task LookAsync(DateTimeOffset begun, CancellationToken stopping)
    {
        try
        {
            if (await health.MaximumBackupAgeAsync(stopping).ConfigureAwait(false) is not { } most) return;
            foreach (StorageGroupStatus group in (await store.GetStatusAsync(stopping).ConfigureAwait(false)).StorageGroups)
            {
                string? old = group.BackupAge is null && clock.GetUtcNow() - begun < most ? null : Health.WhyTooOld(group, most);
                if (old is null) said.Remove(group.Name);
                else if (said.Add(group.Name)) Say($"{store.Path}: {old}");
            }
        }
        catch (MessageStoreException error)
        {
            NotLooked(error.ErrorId, error.Message);
        }
    }

    private void Say(string old)
    {
        TooOld(old);
        string notEntered = system.Error(ErrorIds.BackupTooOld, old);
        if (notEntered.Length == 0 || saidThatNotEntered) return;
        saidThatNotEntered = true;
        NotEntered(notEntered);
    }

    [LoggerMessage(LogLevel.Error, "BackupTooOld: {reason}")]
    private partial void TooOld(string reason);

    [LoggerMessage(LogLevel.Warning, "The system's log does not have this: {reason}")]
    private partial void NotEntered(string reason);

    [LoggerMessage(LogLevel.Warning, "The age of the backups is not known: {errorId}: {message}")]
    private partial void NotLooked(string errorId, string message);
}
