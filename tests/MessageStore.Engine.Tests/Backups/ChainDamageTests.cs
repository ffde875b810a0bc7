using System.Globalization;
using MessageStore.Backups;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Backups;

/// <summary>A chain is as good as its worst set: whatever happens to any file of it, the set at its top fails its drill, and the file is named.</summary>
public class ChainDamageTests(ITestOutputHelper output)
{
    /// <summary>Damages tried, or as many as <c>MESSAGESTORE_DAMAGES</c> says.</summary>
    private const int Damages = 1000;

    [Fact]
    public void Random_damage_to_any_set_of_a_chain_fails_the_drill_of_the_last()
    {
        List<(string Path, byte[] Bytes)> chain = MakeChain();
        Assert.Equal(4, chain.Count);
        Assert.Equal(DrillResult.Verified, Drill(chain).Result);
        int count = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_DAMAGES"), CultureInfo.InvariantCulture, out int asked) ? asked : Damages;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_SEED"), CultureInfo.InvariantCulture, out int given) ? given : 1;
        var random = new Random(seed);
        int named = 0;
        for (int i = 0; i < count; i++)
        {
            int hit = random.Next(chain.Count);
            (byte[] bad, string what) = RandomDamage.Make(chain[hit].Bytes, random);
            string trace = $"damage {i} of seed {seed}, set {hit}, {what}";
            BackupDrill drill = Drill([.. chain.Select((set, n) => n == hit ? (set.Path, bad) : set)]);
            Assert.True(drill.Result == DrillResult.Failed, $"{trace}: the drill says {drill.Result}: {drill.Reason}");
            Assert.True(drill.Reason.Contains(Path.GetFileName(chain[hit].Path), StringComparison.Ordinal), $"{trace}: {drill.Reason}");
            named += drill.LostMessages.Count > 0 ? 1 : 0;
        }
        Proof.Report(output, string.Create(CultureInfo.InvariantCulture, $"{count:N0} damages to the sets of a chain, all Failed; {named:N0} cost messages, which were named"));
    }

    [Fact]
    public void A_set_that_is_away_leaves_the_drill_inconclusive_and_is_named()
    {
        List<(string Path, byte[] Bytes)> chain = MakeChain();
        for (int away = 0; away < chain.Count - 1; away++)
        {
            BackupDrill drill = Drill([.. chain.Where((_, n) => n != away)]);
            Assert.NotEqual(DrillResult.Verified, drill.Result);
            Assert.Contains(Path.GetFileName(chain[away].Path), drill.Reason, StringComparison.Ordinal);
        }
    }

    private static BackupDrill Drill(List<(string Path, byte[] Bytes)> chain)
    {
        var disk = new MemoryStorage();
        foreach ((string path, byte[] bytes) in chain) disk.Put(path, bytes);
        return new BackupDrillRunner(disk, TimeProvider.System, null).Run(chain[^1].Path, "/scratch", null, CancellationToken.None);
    }

    /// <summary>Two full halves of a life: images, images on top of them, and two logs behind.</summary>
    private static List<(string Path, byte[] Bytes)> MakeChain()
    {
        using var bed = new BackupBed(7, "One", "Two");
        var chain = new List<string>();
        foreach (BackupKind kind in (BackupKind[])[BackupKind.Full, BackupKind.Incremental, BackupKind.Logs, BackupKind.Logs])
        {
            List<Guid> ids = bed.Append(3);
            bed.Append(3, "grace", bed.Mail.Groups[1]);
            bed.Delete(ids.Take(1));
            chain.Add(bed.BackUp(new BackupOptions { Kind = kind }, new Facade.DuringBackup(() =>
            {
                bed.Append(1);
                return Task.CompletedTask;
            })).Path);
        }
        return [.. chain.Select(path => (path, bed.Storage.Content(path)))];
    }
}
