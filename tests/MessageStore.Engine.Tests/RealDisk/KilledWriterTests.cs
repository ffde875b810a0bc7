using System.Diagnostics;
using MessageStore.Tests.Support;
using MessageStore.Writer;
using Xunit.Abstractions;

namespace MessageStore.Tests.RealDisk;

/// <summary>
/// One database lives through many lives of a writer process, each ended by <c>kill -9</c> at a random moment. MESSAGESTORE_ROUNDS sets how many;
/// MESSAGESTORE_SEED another order of events.
/// </summary>
public sealed class KilledWriterTests(ITestOutputHelper output)
{
    private const int UsualRounds = 10;
    private const int LongRunRounds = 50;

    private static readonly WriterMode[] Modes = [WriterMode.Write, WriterMode.Archive, WriterMode.Backup, WriterMode.Checkpoint, WriterMode.Compact, WriterMode.Import];

    private readonly Dictionary<WriterMode, int> kills = [];
    private TimeSpan longestOpening;
    private int killedInOpening;

    [Fact]
    public async Task Nothing_acknowledged_is_lost_when_the_process_is_killed_at_any_moment()
    {
        int rounds = Setting("MESSAGESTORE_ROUNDS", UsualRounds);
        int seed = Setting("MESSAGESTORE_SEED", 20261121);
        var random = new Random(seed);
        using var folder = new TemporaryFolder();
        string database = folder["db"];
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database, StorageGroups = ["SG1", "SG2"] });
        var model = new AckModel();
        var watch = Stopwatch.StartNew();
        await FillAsync(folder, model, seed, rounds >= LongRunRounds ? 100_000 : 5_000);
        for (int round = 1; round <= rounds; round++)
        {
            WriterMode mode = Modes[round % Modes.Length];
            try
            {
                string journal = folder[$"journal-{round}"];
                await LiveAndDieAsync(database, journal, mode, seed + round, random);
                model.Learn(journal);
                // Now and then the next writer opens what the last one left, and the comparison comes after two kills.
                if (round < rounds && random.Next(5) == 0) continue;
                await CompareAsync(database, model);
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"Round {round} ({mode}). Again with: MESSAGESTORE_SEED={seed} MESSAGESTORE_ROUNDS={rounds} dotnet test --filter {nameof(KilledWriterTests)}", error);
            }
            if (round % 25 == 0) Report(round, model, watch);
        }
        await VerifyBackupsAsync(model);
        Report(rounds, model, watch);
        Assert.True(model.Acknowledged > rounds);
    }

    private static async Task FillAsync(TemporaryFolder folder, AckModel model, int seed, int messages)
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
        // Runs get the time to end and begin again, or no kill would come between two of them.
        if (!whileOpening) await Task.Delay(random.Next(5, mode is WriterMode.Archive or WriterMode.Backup or WriterMode.Compact ? 1500 : 400));
        Assert.True(await writer.KillAsync(), "The writer had ended before it was killed.");
        kills[mode] = kills.GetValueOrDefault(mode) + 1;
        if (whileOpening) killedInOpening++;
    }

    private async Task CompareAsync(string database, AckModel model)
    {
        var watch = Stopwatch.StartNew();
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        if (watch.Elapsed > longestOpening) longestOpening = watch.Elapsed;
        await model.VerifyAsync(store);
        // Old backups would fill the disk in a long run.
        foreach (string path in model.Backups.SkipLast(1).Where(File.Exists)) File.Delete(path);
    }

    /// <summary>A backup that was acknowledged is one, and a name without the writer's word is at most a partial file.</summary>
    private static async Task VerifyBackupsAsync(AckModel model)
    {
        if (model.Backups.Count == 0) return;
        BackupDrill drill = await MessageDatabase.TestBackupAsync(model.Backups[^1]);
        Assert.True(drill.Result == DrillResult.Verified, drill.Reason);
    }

    private void Report(int round, AckModel model, Stopwatch watch) => output.WriteLine(
        $"{round} rounds in {watch.Elapsed.TotalSeconds:N0} s; kills: {string.Join(", ", kills.Select(k => $"{k.Key} {k.Value}"))}, of them {killedInOpening} while it started or opened; "
        + $"{model.Acknowledged:N0} messages acknowledged, {model.Deleted:N0} deleted, {model.Live:N0} live, {model.Unacknowledged:N0} found whole without acknowledgement, "
        + $"{model.Archived:N0} archived, {model.Backups.Count} backups, {model.Compared:N0} bodies compared; longest opening {longestOpening.TotalMilliseconds:N0} ms");

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out int value) ? value : otherwise;
}
