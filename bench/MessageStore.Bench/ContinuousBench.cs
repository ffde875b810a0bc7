using System.Diagnostics;
using System.Globalization;
using MessageStore.Messages;

namespace MessageStore.Bench;

/// <summary>
/// Backups that follow one another for as long as <c>--minutes</c> says, under a load of <c>--rate</c> messages a second: how old the newest one ever got, looked at once a second. Old sets
/// are removed by count on the way, and at the end the newest chain is proved.
/// </summary>
internal static class ContinuousBench
{
    private const int Users = 8;
    private const int SetsKept = 3;
    private const int LargeEvery = 200;
    private const int LargeBytes = 60 << 10;
    private const int SmallestBytes = 800;
    private const int SmallBytesSpread = 3000;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        if (Directory.Exists(arguments.Path)) Directory.Delete(arguments.Path, recursive: true);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = arguments.Path }).ConfigureAwait(false);
        await using IMessageStore store = await MessageDatabase.OpenAsync(arguments.Path).ConfigureAwait(false);
        for (int user = 0; user < Users; user++) await store.CreateMailboxAsync($"u{user}").ConfigureAwait(false);
        TimeSpan time = TimeSpan.FromMinutes(arguments.Minutes);
        var options = new ContinuousBackupOptions
        {
            Interval = time / 12,
            LogShippingInterval = time / 60,
            MaximumAge = time / 20,
            FullInterval = time / 4,
        };
        using var stop = new CancellationTokenSource(time);
        Task<List<ContinuousBackupEvent>> backups = BackUpAsync(store, options, stop.Token);
        Task<List<double>[]> writers = Task.WhenAll(Enumerable.Range(0, Users).Select(user => WriteAsync(store, user, arguments.Rate / (double)Users, stop.Token)));
        List<double> ages = await WatchAsync(store, arguments.Path, stop.Token).ConfigureAwait(false);
        double[] waits = [.. (await writers.ConfigureAwait(false)).SelectMany(w => w).Order()];
        List<ContinuousBackupEvent> events = await backups.ConfigureAwait(false);
        BackupRun newest = await store.BackupAsync(new BackupOptions { Kind = BackupKind.Incremental }).ConfigureAwait(false);
        BackupDrill drill = await MessageDatabase.TestBackupAsync(new DrillOptions { Path = newest.Path, ScratchPath = Path.GetDirectoryName(Path.GetFullPath(arguments.Path)) }).ConfigureAwait(false);
        ContinuousBackupEvent[] errors = [.. events.Where(e => e.Run is null)];
        foreach (ContinuousBackupEvent error in errors.Take(5)) Console.Error.WriteLine($"{error.Time:u} {error.ErrorId}: {error.Reason}");
        string kinds = string.Join(", ", events.Where(e => e.Run is not null).GroupBy(e => e.Run!.Kind).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Count()} {g.Key}")));
        return
        [
            new BenchRow("oldest newest backup", ages.Max(), options.MaximumAge.TotalSeconds, "s", string.Create(CultureInfo.InvariantCulture,
                $"{arguments.Minutes:N0} minutes, looked at {ages.Count:N0} times, median {BenchRow.Median(ages):N1} s; sets: {kinds}; {errors.Length} errors, {errors.Count(e => e.ErrorId == ErrorIds.BackupTooOld)} of them for the age; beside it: the limit")),
            new BenchRow("appends", waits.Length / time.TotalSeconds, null, "messages/s", string.Create(CultureInfo.InvariantCulture,
                $"{waits.Length:N0} of {Users} users, p50 {waits[waits.Length / 2]:N1} ms, p99 {waits[(int)(waits.Length * 0.99)]:N1} ms, longest {waits[^1]:N0} ms")),
            new BenchRow("drill at the end", drill.RestoreDuration.TotalSeconds, null, "s", string.Create(CultureInfo.InvariantCulture,
                $"{drill.Result} {drill.Reason}, {drill.Messages:N0} messages of {waits.Length:N0}, a chain of {newest.Chain.Count + 1}")),
        ];
    }

    private static async Task<List<ContinuousBackupEvent>> BackUpAsync(IMessageStore store, ContinuousBackupOptions options, CancellationToken stop)
    {
        var events = new List<ContinuousBackupEvent>();
        try
        {
            await foreach (ContinuousBackupEvent told in store.BackupContinuouslyAsync(options, null, stop).ConfigureAwait(false))
            {
                events.Add(told);
                if (told.Run?.Kind is not (BackupKind.Full or BackupKind.Incremental)) continue;
                await foreach (BackupRetention _ in store.RemoveBackupsAsync(new BackupRetentionOptions { Keep = SetsKept }, stop).ConfigureAwait(false))
                {
                    // Each is removed as it is asked for.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The time is up.
        }
        return events;
    }

    /// <summary>Appends at a steady rate: who was late makes up for it.</summary>
    private static async Task<List<double>> WriteAsync(IMessageStore store, int user, double rate, CancellationToken stop)
    {
        var waits = new List<double>();
        var mail = new MailText(user);
        var random = new Random(user);
        var watch = Stopwatch.StartNew();
        while (!stop.IsCancellationRequested)
        {
            TimeSpan early = TimeSpan.FromSeconds(waits.Count / rate) - watch.Elapsed;
            if (early > TimeSpan.Zero) await Task.Delay(early, CancellationToken.None).ConfigureAwait(false);
            int size = waits.Count % LargeEvery == 0 ? LargeBytes : SmallestBytes + random.Next(SmallBytesSpread);
            long start = Stopwatch.GetTimestamp();
            using MessageBody body = MessageBody.FromMemory(mail.Next(size));
            await store.AppendAsync(new MessageToAppend { Mailbox = $"u{user}", Body = body }, CancellationToken.None).ConfigureAwait(false);
            waits.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return waits;
    }

    /// <summary>Looks once a second, and writes what it sees beside the database: second, age.</summary>
    private static async Task<List<double>> WatchAsync(IMessageStore store, string database, CancellationToken stop)
    {
        var ages = new List<double>();
        await using var book = new StreamWriter(database.TrimEnd(Path.DirectorySeparatorChar) + "-ages.csv");
        using var timer = new PeriodicTimer(Second);
        try
        {
            for (int second = 1; await timer.WaitForNextTickAsync(stop).ConfigureAwait(false); second++)
            {
                TimeSpan? age = (await store.GetStatusAsync(CancellationToken.None).ConfigureAwait(false)).BackupAge;
                if (age is { } known) ages.Add(known.TotalSeconds);
                await book.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{second},{age?.TotalSeconds:F1}")).ConfigureAwait(false);
                await book.FlushAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The time is up.
        }
        return ages;
    }
}
