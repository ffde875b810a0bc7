namespace MessageStore.Server.Serving;

/// <summary>Keeps the schedule that was registered for the database. A run under way when the server is told to stop ends between two batches.</summary>
internal sealed partial class MaintenanceService(EmbeddedMessageStore store, ILogger<MaintenanceService> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (MaintenanceRecord record in store.RunScheduleAsync(Troubled, stoppingToken).ConfigureAwait(false))
            {
                if (record.Decision == MaintenanceDecision.Failed) Failed(record.Task, record.Reason);
                else Decided(record.Task, record.Decision, record.Reason);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private void Troubled(MessageStoreException error) => NotKept(error.ErrorId, error.Message);

    [LoggerMessage(LogLevel.Information, "{task}: {decision}: {reason}")]
    private partial void Decided(MaintenanceTask task, MaintenanceDecision decision, string reason);

    [LoggerMessage(LogLevel.Error, "{task} failed: {reason}")]
    private partial void Failed(MaintenanceTask task, string reason);

    [LoggerMessage(LogLevel.Error, "The schedule cannot be kept: {errorId}: {message}")]
    private partial void NotKept(string errorId, string message);
}
