using System.Text.Json;
using MessageStore.Server.Telemetry;

namespace MessageStore.Server.Web;

/// <summary>One look at the database.</summary>
/// <param name="AppendP99Seconds">What 99 of 100 messages that came in during the last five minutes did not exceed; <see langword="null"/> where none came, and in lines of older versions.</param>
/// <param name="ReadP99Seconds">The same of messages that were opened.</param>
internal sealed record SeriesPoint(DateTimeOffset Time, long HotBytes, long ArchivedBytes, long Messages, double? BackupAgeSeconds, double? AppendP99Seconds = null, double? ReadP99Seconds = null);

/// <summary>
/// How the database grew: a point every five minutes, a month of them, kept in <c>series.jsonl</c> in the database folder so that a restart does not begin anew. It is for looking at: never flushed, and a line that a
/// crash cut short is passed over.
/// </summary>
internal sealed partial class Series(IMessageStore store, Operations operations, TimeProvider clock, ILogger<Series> log) : BackgroundService
{
    public const string FileName = "series.jsonl";

    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    /// <summary>A month of points.</summary>
    private const int Most = 30 * 24 * 12;

    private readonly Lock gate = new();
    private readonly Queue<SeriesPoint> points = new();
    private int linesInFile;

    private string FilePath => Path.Combine(store.Path, FileName);

    public IReadOnlyList<SeriesPoint> Points()
    {
        lock (gate) return [.. points];
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            Load();
            do await LookAsync(stoppingToken).ConfigureAwait(false);
            while (await WaitAsync(stoppingToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> WaitAsync(CancellationToken stopping)
    {
        await Task.Delay(Interval, clock, stopping).ConfigureAwait(false);
        return true;
    }

    private async Task LookAsync(CancellationToken stopping)
    {
        try
        {
            DatabaseStatus status = await store.GetStatusAsync(stopping).ConfigureAwait(false);
            var point = new SeriesPoint(clock.GetUtcNow(), status.HotBytes, status.ArchivedBytes, status.MessageCount, status.BackupAge?.TotalSeconds,
                operations.Quantile(Operations.Append, 0.99)?.TotalSeconds, operations.Quantile(Operations.Read, 0.99)?.TotalSeconds);
            lock (gate)
            {
                points.Enqueue(point);
                while (points.Count > Most) points.Dequeue();
            }
            Save(point);
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            LookFailed(error);
        }
    }

    private void Load()
    {
        try
        {
            foreach (string line in File.ReadLines(FilePath))
            {
                linesInFile++;
                if (Read(line) is not { } point) continue;
                points.Enqueue(point);
                if (points.Count > Most) points.Dequeue();
            }
        }
        catch (FileNotFoundException)
        {
            // The first start.
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            LookFailed(error);
        }
    }

    private void Save(SeriesPoint point)
    {
        if (linesInFile++ < 2 * Most)
        {
            File.AppendAllText(FilePath, JsonSerializer.Serialize(point) + "\n");
            return;
        }
        string temporary = FilePath + ".tmp";
        File.WriteAllLines(temporary, Points().Select(static p => JsonSerializer.Serialize(p)));
        File.Move(temporary, FilePath, overwrite: true);
        linesInFile = Points().Count;
    }

    private static SeriesPoint? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<SeriesPoint>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The growth of the database was not recorded.")]
    private partial void LookFailed(Exception error);
}
