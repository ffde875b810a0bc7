using System.Globalization;
using System.Text;
using MessageStore.Backups;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Backups;

/// <summary>Whatever is done with backups is done with compressed and encrypted ones too.</summary>
public class PackedBackupTests(ITestOutputHelper output)
{
    /// <summary>Damages tried, or as many as <c>MESSAGESTORE_DAMAGES</c> says.</summary>
    private const int Damages = 600;

    private static readonly BackupOptions Both = new() { Compression = BackupCompression.Fastest, Key = new BackupKeySource { KeyFile = MemoryBackup.KeyFile } };

    [Theory]
    [InlineData(BackupCompression.Fastest, false)]
    [InlineData(BackupCompression.None, true)]
    [InlineData(BackupCompression.Optimal, true)]
    public async Task It_is_proved_and_restored_like_any_other_and_listed_without_its_key(BackupCompression compression, bool encrypted)
    {
        MemoryBackup plain = await MemoryBackup.MakeAsync(large: true, filler: 2000);
        MemoryBackup backup = await MemoryBackup.MakeAsync(large: true, filler: 2000, new BackupOptions { Compression = compression, Key = encrypted ? Both.Key : null });
        if (encrypted) Assert.True(backup.Bytes.AsSpan().IndexOf("From here on: text"u8) < 0, "a message can be read");
        if (compression != BackupCompression.None) Assert.True(backup.Bytes.Length < plain.Bytes.Length, $"{backup.Bytes.Length} of {plain.Bytes.Length} bytes");
        MemoryStorage disk = backup.DiskWith(backup.Bytes);
        BackupDrill drill = MemoryBackup.Drill(disk, backup.File);
        Assert.Equal((DrillResult.Verified, ""), (drill.Result, drill.Reason));
        BackupInfo listed = Assert.Single(BackupCatalog.List(disk, backup.File, TimeProvider.System));
        Assert.True(listed is { IsComplete: true, IsChainWhole: true });
        Assert.Equal(backup.Messages.Count, listed.Messages);
        Assert.Equal(backup.Bytes.Length, listed.Bytes);
        Assert.Equal(["SG1", "SG2"], listed.LsnRanges.Select(r => r.StorageGroup));
        MemoryBackup.Restore(disk, new RestoreOptions { BackupPath = backup.File, Destination = MemoryBackup.Target, Key = Both.Key });
        Assert.Equal(backup.Messages.Keys.Order(), (await backup.CompareAsync(disk, MemoryBackup.Target)).Order());
        StoredMessage one = backup.Messages.Values.First(m => m.Size > 1 << 20);
        FoundMessage found = BackupMessages.Find(disk, new MessageRestoreOptions { BackupPath = backup.File, Ids = [one.Id], Key = Both.Key }, null, TimeProvider.System, null, CancellationToken.None).Single();
        Assert.Equal((one.Id, null), (found.Message.Id, found.Problem));
        Assert.Equal(one.Subject, found.Message.Subject);
    }

    [Fact]
    public async Task Without_its_key_nothing_is_restored_and_nothing_is_called_damaged()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync(options: Both);
        MemoryStorage disk = backup.DiskWith(backup.Bytes);
        var options = new RestoreOptions { BackupPath = backup.File, Destination = MemoryBackup.Target, SkipDamaged = true };
        Assert.Equal(ErrorIds.BackupKeyRequired, Assert.Throws<MessageStoreException>(() => MemoryBackup.Restore(disk, options)).ErrorId);
        disk.Put(MemoryBackup.KeyFile, new byte[32]);
        Assert.Equal(ErrorIds.BackupKeyWrong, Assert.Throws<MessageStoreException>(() => MemoryBackup.Restore(disk, options with { Key = Both.Key })).ErrorId);
        Assert.Equal(ErrorIds.BackupKeyWrong, Assert.Throws<MessageStoreException>(() => MemoryBackup.Drill(disk, backup.File)).ErrorId);
        Assert.Equal("", BackupCatalog.List(disk, backup.File, TimeProvider.System)[0].LastDrill);
        Assert.False(disk.FolderExists(MemoryBackup.Target));
    }

    [Fact]
    public void Chains_are_packed_through_and_through_and_mirrored_byte_for_byte()
    {
        using var bed = new BackupBed(1, "One", "Two");
        bed.Storage.Put(MemoryBackup.KeyFile, Enumerable.Range(0, 64).Select(i => (byte)i).ToArray());
        BackupOptions options = Both with { Destinations = ["/near", "/far"] };
        var runs = new List<BackupRun>();
        foreach (BackupKind kind in (BackupKind[])[BackupKind.Full, BackupKind.Incremental, BackupKind.Logs, BackupKind.Logs, BackupKind.Incremental])
        {
            bed.Append(15);
            bed.Append(5, "grace", bed.Mail.Groups[1]);
            runs.Add(bed.BackUp(options with { Kind = kind }));
        }
        Assert.Equal([0, 1, 2, 3, 2], runs.Select(r => r.Chain.Count));
        using BackupKey? key = BackupKey.Open(bed.Storage, Both.Key);
        foreach (BackupRun run in runs)
        {
            Assert.Equal(bed.Storage.Content(run.Copies[0].Path), bed.Storage.Content(run.Copies[1].Path));
            Assert.Equal(run.Bytes, bed.Storage.FileLength(run.Path));
            BackupDrill drill = new BackupDrillRunner(bed.Storage, TimeProvider.System, null, key).Run(run.Copies[1].Path, "/scratch", null, CancellationToken.None);
            Assert.Equal((DrillResult.Verified, ""), (drill.Result, drill.Reason));
        }
        // One with another key cannot stand on them, and says so before it writes anything.
        bed.Storage.Put("/other", new byte[32]);
        BackupOptions other = options with { Key = new BackupKeySource { KeyFile = "/other" }, Kind = BackupKind.Incremental };
        Assert.Equal(ErrorIds.BackupKeyWrong, Assert.Throws<MessageStoreException>(() => bed.BackUp(other)).ErrorId);
        Assert.Equal(ErrorIds.BackupKeyRequired, Assert.Throws<MessageStoreException>(() => bed.BackUp(other with { Key = null })).ErrorId);
        Assert.Equal(runs.Count, bed.Storage.ListFiles("/near").Count(f => !f.EndsWith(".json", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(BackupCompression.Fastest, false)]
    [InlineData(BackupCompression.Fastest, true)]
    public async Task Random_damages_fail_the_drill_each_time(BackupCompression compression, bool encrypted)
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync(options: new BackupOptions { Compression = compression, Key = encrypted ? Both.Key : null });
        int count = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_DAMAGES"), CultureInfo.InvariantCulture, out int asked) ? asked : Damages;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_SEED"), CultureInfo.InvariantCulture, out int given) ? given : 1;
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            (byte[] bad, string what) = RandomDamage.Make(backup.Bytes, random);
            string trace = $"damage {i} of seed {seed}, {what}";
            BackupDrill drill = MemoryBackup.Drill(backup.DiskWith(bad), backup.File);
            Assert.True(drill.Result == DrillResult.Failed, $"{trace}: the drill says {drill.Result}: {drill.Reason}");
            Assert.Contains(backup.File, drill.Reason, StringComparison.Ordinal);
            Assert.True(drill.Reason.Contains("offset", StringComparison.Ordinal) || drill.Reason.Contains("tail", StringComparison.Ordinal), $"{trace}: {drill.Reason}");
        }
        Proof.Report(output, string.Create(CultureInfo.InvariantCulture, $"{count:N0} damages, all Failed"));
    }

    [Fact]
    public async Task Of_a_damaged_one_everything_comes_back_but_what_the_hit_chunk_held()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync(large: true, filler: 60_000, new BackupOptions { Key = Both.Key });
        int messages = backup.Messages.Count;
        for (int kind = 0; kind < 3; kind++)
        {
            // A flipped bit, a byte put in, a file cut short: all behind the first chunk and well inside the segments.
            int at = backup.Bytes.Length / 2;
            byte[] bad = kind switch
            {
                0 => [.. backup.Bytes[..at], (byte)(backup.Bytes[at] ^ 1), .. backup.Bytes[(at + 1)..]],
                1 => [.. backup.Bytes[..at], 0, .. backup.Bytes[at..]],
                _ => backup.Bytes[..^(300 << 10)],
            };
            MemoryStorage disk = backup.DiskWith(bad);
            BackupDrill drill = MemoryBackup.Drill(disk, backup.File);
            Assert.Equal(DrillResult.Failed, drill.Result);
            Assert.Contains(drill.Damage, d => d.Part.StartsWith("layer", StringComparison.Ordinal));
            var options = new RestoreOptions { BackupPath = backup.File, Destination = MemoryBackup.Target, Key = Both.Key };
            Assert.Equal(ErrorKind.Damaged, Assert.Throws<MessageStoreException>(() => MemoryBackup.Restore(disk, options)).Kind);
            RestoreRun run = MemoryBackup.Restore(disk, options with { SkipDamaged = true });
            HashSet<Guid> back = await backup.CompareAsync(disk, MemoryBackup.Target, ignorePlaces: true);
            Assert.Equal(run.Messages, back.Count);
            Assert.InRange(back.Count, messages - (kind < 2 ? 9 : 15), messages);
            if (kind < 2) Assert.Equal(messages - back.Count, run.Lost);
        }
    }
}
