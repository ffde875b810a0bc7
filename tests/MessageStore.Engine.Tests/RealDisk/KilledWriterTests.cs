using System.Diagnostics;
using MessageStore.Tests.Support;
using MessageStore.Writer;
using Xunit.Abstractions;

namespace MessageStore.Tests.RealDisk;

/// <summary>
/// One database lives through many lives of a writer process, each ended by <c>kill -9</c> at a random moment; its backups are proved, and now and then it is lost and brought back.
/// MESSAGESTORE_ROUNDS sets how many; MESSAGESTORE_SEED another order of events.
/// </summary>
public sealed class KilledWriterTests(ITestOutputHelper output)
{
    private const int UsualRounds = 10;
    private const int LongRunRounds = 50;
    private const int RestoreEvery = 25;

    private static readonly WriterMode[] Modes = [WriterMode.Write, WriterMode.Archive, WriterMode.Backup, WriterMode.Checkpoint, WriterMode.Compact, WriterMode.Import];

    private readonly Dictionary<WriterMode, int> kills = [];
    private readonly HashSet<string> proved = [];
    private readonly HashSet<string> removed = [];
    private readonly AckModel model = new();
    private TimeSpan longestOpening;
    private int killedInOpening;
    private int livesWithBackup;
    private int restores;

    [Fact]
    public async Task Nothing_acknowledged_is_lost_when_the_process_is_killed_at_any_moment()
    {
        int rounds = Setting("MESSAGESTORE_ROUNDS", UsualRounds);
        int seed = Setting("MESSAGESTORE_SEED", 20261121);
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        string database = folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database, StorageGroups = ["SG1", "SG2"] });
        var watch = Stopwatch.StartNew();
        await FillAsync(folder, seed, rounds >= LongRunRounds ? 100_000 : 5_000);
        for (int round = 1; round <= rounds; round++)
        {
            WriterMode mode = Modes[round % Modes.Length];
            try
            {
                string journal = folder[$"journal-{round}"];
                await LiveAndDieAsync(database, journal, mode, seed + round, random);
                model.Learn(journal);
                if (mode == WriterMode.Backup) await ProveBackupsAsync(database);
                // Now and then the next writer opens what the last one left, and the comparison comes after two kills.
                if (round % RestoreEvery != 0 && round < rounds && random.Next(5) == 0) continue;
                await CompareAsync(database);
                if (round % RestoreEvery == 0 || round == rounds) await RestoreAsync(database, folder["restored"]);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"Round {round} ({mode}). Again with: MESSAGESTORE_SEED={seed} MESSAGESTORE_ROUNDS={rounds} dotnet test --filter {nameof(KilledWriterTests)}", error);
            }
            if (round % RestoreEvery == 0) Report(round, watch);
        }
        Report(rounds, watch);
        Assert.True(model.Acknowledged > rounds);
        Assert.True(proved.Count >= livesWithBackup, $"{livesWithBackup} writers ended a backup, and {proved.Count} were drilled.");
    }

    private async Task FillAsync(TemporaryFolder folder, int seed, int messages)
    {
        using WriterProcess bulk = WriterProcess.Start(folder["db"], folder["journal-0"], WriterMode.Bulk, seed, count: messages);
        (int exitCode, string errors) = await bulk.WaitForEndAsync();
        model.Learn(folder["journal-0"]);
        Assert.True(exitCode == 0, errors);
    }

    private async Task LiveAndDieAsync(string database, string journal, WriterMode mode, int seed, Random random)
    {
        using WriterProcess writer = WriterProcess.Start(database, journal, mode, seed);
        bool whileOpening = random.Next(8) == 0;
        // Opening comes some 100 ms after the runtime's own start.
        if (whileOpening) await Task.Delay(random.Next(80, 300));
        else await writer.WaitUntilReadyAsync();
        if (!whileOpening && mode == WriterMode.Backup)
        {
            await writer.WaitForBackupAsync(journal);
            livesWithBackup++;
        }
        // Runs get the time to end and begin again, or no kill would come between two of them.
        if (!whileOpening) await Task.Delay(random.Next(5, mode is WriterMode.Archive or WriterMode.Backup or WriterMode.Compact ? 1500 : 400));
        Assert.True(await writer.KillAsync(), "The writer had ended before it was killed.");
        kills[mode] = kills.GetValueOrDefault(mode) + 1;
        if (whileOpening) killedInOpening++;
    }

    private async Task CompareAsync(string database)
    {
        var watch = Stopwatch.StartNew();
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        if (watch.Elapsed > longestOpening) longestOpening = watch.Elapsed;
        await model.VerifyAsync(store);
        // Old backups would fill the disk in a long run.
        await foreach (BackupRetention set in store.RemoveBackupsAsync(new BackupRetentionOptions { Keep = 1 }))
            if (set.Decision == BackupRetentionDecision.Removed) removed.Add(set.Path);
    }

    /// <summary>A backup that was acknowledged is there. Whatever has the name of one is one, also where the writer died before it could say so.</summary>
    private async Task ProveBackupsAsync(string database)
    {
        foreach (string acknowledged in model.Backups.Where(b => !removed.Contains(b))) Assert.True(File.Exists(acknowledged), $"{acknowledged} was acknowledged and is lost.");
        foreach (BackupInfo backup in MessageDatabase.ListBackups(Path.Combine(database, "backups")).Where(b => b.IsComplete))
        {
            if (!proved.Add(backup.Path)) continue;
            BackupDrill drill = await MessageDatabase.TestBackupAsync(backup.Path);
            Assert.True(drill.Result == DrillResult.Verified, $"{backup.Path}: {drill.Result}. {drill.Reason}");
        }
    }

    /// <summary>All that was acknowledged comes back from the newest backup and the logs that survived.</summary>
    private async Task RestoreAsync(string database, string destination)
    {
        string backups = Path.Combine(database, "backups");
        if (!MessageDatabase.ListBackups(backups).Any(b => b.IsComplete)) return;
        RestoreRun run = await MessageDatabase.RestoreAsync(new RestoreOptions { BackupPath = backups, Destination = destination, LogPath = Path.Combine(database, "logs") });
        Assert.Equal(0, run.Lost);
        await using (IMessageStore restored = await MessageDatabase.OpenAsync(destination)) await model.VerifyAsync(restored);
        restores++;
        Directory.Delete(destination, recursive: true);
    }

    private void Report(int round, Stopwatch watch) => output.WriteLine(
        $"{round} rounds in {watch.Elapsed.TotalSeconds:N0} s; kills: {string.Join(", ", kills.Select(k => $"{k.Key} {k.Value}"))}, of them {killedInOpening} while it started or opened; "
        + $"{model.Acknowledged:N0} messages acknowledged, {model.Deleted:N0} deleted, {model.Live:N0} live, {model.Unacknowledged:N0} found whole without acknowledgement, "
        + $"{model.Archived:N0} archived, {model.Backups.Count} backups, {proved.Count} sets drilled, {restores} restores with the surviving logs, {model.Compared:N0} bodies compared; longest opening {longestOpening.TotalMilliseconds:N0} ms");

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;
}
