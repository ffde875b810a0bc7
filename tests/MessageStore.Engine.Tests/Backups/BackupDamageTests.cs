using System.Globalization;
using System.Text;
using MessageStore.Backups;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Backups;

/// <summary>A damaged backup is never called good; what is wrong is named, and what is whole comes out.</summary>
public class BackupDamageTests(ITestOutputHelper output)
{
    /// <summary>Damages tried, or as many as <c>MESSAGESTORE_DAMAGES</c> says.</summary>
    private const int Damages = 10_000;

    /// <summary>One in so many is also restored with what is whole.</summary>
    private const int RestoreEach = 50;

    [Fact]
    public async Task Ten_thousand_random_damages_fail_the_drill_each_time()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        Assert.Equal(DrillResult.Verified, MemoryBackup.Drill(backup.DiskWith(backup.Bytes), backup.File).Result);
        int count = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_DAMAGES"), CultureInfo.InvariantCulture, out int asked) ? asked : Damages;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_SEED"), CultureInfo.InvariantCulture, out int given) ? given : 1;
        var random = new Random(seed);
        int named = 0, restored = 0;
        for (int i = 0; i < count; i++)
        {
            (byte[] bad, string what) = RandomDamage.Make(backup.Bytes, random);
            string trace = $"damage {i} of seed {seed}, {what}";
            MemoryStorage disk = backup.DiskWith(bad);
            BackupDrill drill = MemoryBackup.Drill(disk, backup.File);
            Assert.True(drill.Result == DrillResult.Failed, $"{trace}: the drill says {drill.Result}: {drill.Reason}");
            Assert.Contains(backup.File, drill.Reason, StringComparison.Ordinal);
            Assert.True(drill.Reason.Contains("offset", StringComparison.Ordinal) || drill.Reason.Contains("trailer", StringComparison.Ordinal), $"{trace}: {drill.Reason}");
            Assert.All(drill.LostMessages, m => Assert.True(backup.Messages.ContainsKey(m.Id) || drill.Damage.Count > 0, trace));
            named += drill.LostMessages.Count > 0 ? 1 : 0;
            if (i % RestoreEach == 0 && await RestoreWholeAsync(backup, disk, drill, trace)) restored++;
        }
        Proof.Report(output, string.Create(CultureInfo.InvariantCulture, $"{count:N0} damages, all Failed; {named:N0} cost messages, which were named; {restored:N0} of {count / RestoreEach:N0} restored with what was whole"));
    }

    [Fact]
    public async Task A_message_of_the_patch_files_is_named_when_it_is_hit_and_all_others_come_back()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        byte[] bad = (byte[])backup.Bytes.Clone();
        bad[bad.AsSpan().LastIndexOf("From here on: text 27\n"u8)] ^= 1;
        MemoryStorage disk = backup.DiskWith(bad);
        BackupDrill drill = MemoryBackup.Drill(disk, backup.File);
        Assert.Equal((DrillResult.Failed, 1L), (drill.Result, drill.Differences));
        Assert.Equal("message 27", Assert.Single(drill.LostMessages).Subject);
        RestoreRun run = MemoryBackup.Restore(disk, new RestoreOptions { BackupPath = backup.File, Destination = MemoryBackup.Target, SkipDamaged = true });
        Assert.Equal(1, run.Lost);
        HashSet<Guid> back = await backup.CompareAsync(disk, MemoryBackup.Target);
        Assert.Equal("message 27", Assert.Single(backup.Messages.Values, m => !back.Contains(m.Id)).Subject);
    }

    [Fact]
    public async Task The_message_whose_byte_was_flipped_is_named_and_all_others_come_back()
    {
        const int number = 10;
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        byte[] bad = (byte[])backup.Bytes.Clone();
        int at = bad.AsSpan().LastIndexOf(Encoding.ASCII.GetBytes($"From here on: text {number}\n"));
        bad[at] ^= 1;
        MemoryStorage disk = backup.DiskWith(bad);
        BackupDrill drill = MemoryBackup.Drill(disk, backup.File);
        LostMessage lost = Assert.Single(drill.LostMessages);
        StoredMessage expected = backup.Messages[lost.Id];
        Assert.Equal(($"message {number}", expected.Mailbox, expected.Folder, expected.Size), (lost.Subject, lost.Mailbox, lost.Folder, lost.Size));
        BackupDamage damage = Assert.Single(drill.Damage);
        Assert.InRange(at, damage.Offset, damage.Offset + damage.Length - 1);
        Assert.Contains($"'message {number}' ({lost.Id}) of mailbox '{expected.Mailbox}'", drill.Reason, StringComparison.Ordinal);
        RestoreRun run = MemoryBackup.Restore(disk, new RestoreOptions { BackupPath = backup.File, Destination = MemoryBackup.Target, SkipDamaged = true });
        Assert.Equal((1L, lost.Id), (run.Lost, run.LostMessages[0].Id));
        Assert.Equal(backup.Messages.Keys.Except([lost.Id]).Order(), (await backup.CompareAsync(disk, MemoryBackup.Target)).Order());
    }

    [Fact]
    public async Task Of_large_messages_in_many_chunks_only_those_that_are_hit_are_lost()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync(large: true, filler: 50_000);
        var random = new Random(5);
        for (int i = 0; i < 12; i++)
        {
            (byte[] bad, string what) = RandomDamage.Make(backup.Bytes, random);
            MemoryStorage disk = backup.DiskWith(bad);
            BackupDrill drill = MemoryBackup.Drill(disk, backup.File);
            Assert.True(drill.Result == DrillResult.Failed, what);
            await RestoreWholeAsync(backup, disk, drill, what);
        }
    }

    [Fact]
    public async Task A_drill_that_is_not_done_in_time_or_has_no_room_proves_nothing()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        MemoryStorage disk = backup.DiskWith(backup.Bytes);
        BackupDrill late = new BackupDrillRunner(disk, TimeProvider.System, null).Run(backup.File, "/scratch", TimeSpan.Zero, CancellationToken.None);
        Assert.Equal(DrillResult.Inconclusive, late.Result);
        Assert.Contains("not done within", late.Reason, StringComparison.Ordinal);
        Assert.Contains("Inconclusive", BackupCatalog.List(disk, backup.File, TimeProvider.System)[0].LastDrill, StringComparison.Ordinal);
        disk.Capacity = backup.Bytes.Length + 20_000;
        BackupDrill full = MemoryBackup.Drill(disk, backup.File);
        Assert.Equal(DrillResult.Inconclusive, full.Result);
        Assert.Contains("are free", full.Reason, StringComparison.Ordinal);
        disk.Capacity = long.MaxValue;
        Assert.Equal(DrillResult.Verified, MemoryBackup.Drill(disk, backup.File).Result);
        Assert.StartsWith("Verified", BackupCatalog.List(disk, backup.File, TimeProvider.System)[0].LastDrill, StringComparison.Ordinal);
        Assert.DoesNotContain(disk.ListFolders(Path.GetDirectoryName(MemoryBackup.Target)!), f => f.Contains("drill", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_scratch_device_that_fails_is_never_taken_for_a_bad_backup()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync();
        MemoryStorage keys = backup.DiskWith(backup.Bytes); // what is wrong with the disk of scratch is not wrong with the key
        int failed = 0;
        for (int n = 1; ; n++)
        {
            MemoryStorage disk = backup.DiskWith(backup.Bytes);
            disk.FailAt(n, new IOException("error 5", 5), StorageOperations.Open | StorageOperations.Read | StorageOperations.Write | StorageOperations.Flush);
            BackupDrill drill = MemoryBackup.Drill(disk, backup.File, keys);
            if (!disk.FaultHappened) break;
            failed++;
            // A fault that nothing noticed, such as in deleting scratch, changes nothing.
            Assert.True(drill.Result != DrillResult.Failed, $"operation {n} fails: {drill.Result}, {drill.Reason}");
        }
        Assert.True(failed > 100, $"only {failed} operations failed");
    }

    [Fact]
    public async Task A_drill_asks_for_room_for_the_logs_twice()
    {
        MemoryBackup backup = await MemoryBackup.MakeAsync(filler: 20_000);
        MemoryStorage disk = backup.DiskWith(backup.Bytes);
        long needed = ChainNeeds.Bytes(disk, BackupChain.Find(disk, backup.File), null, ["SG1", "SG2"]);
        Assert.True(needed > backup.Bytes.Length, $"{needed} bytes for a backup of {backup.Bytes.Length}");
        disk.Capacity = backup.Bytes.Length + needed - 1;
        Assert.Equal(DrillResult.Inconclusive, MemoryBackup.Drill(disk, backup.File).Result);
        disk.Capacity = backup.Bytes.Length + needed + 20_000; // headers of files, and the note of the drill
        Assert.Equal(DrillResult.Verified, MemoryBackup.Drill(disk, backup.File).Result);
    }

    /// <summary>Refuses by default; with SkipDamaged brings what the drill does not call lost.</summary>
    private static async Task<bool> RestoreWholeAsync(MemoryBackup backup, MemoryStorage disk, BackupDrill drill, string trace)
    {
        var options = new RestoreOptions { BackupPath = backup.File, Destination = MemoryBackup.Target };
        MessageStoreException refused = Assert.Throws<MessageStoreException>(() => MemoryBackup.Restore(disk, options));
        Assert.Equal(ErrorKind.Damaged, refused.Kind);
        Assert.False(disk.FolderExists(MemoryBackup.Target), trace);
        RestoreRun run;
        try
        {
            run = MemoryBackup.Restore(disk, options with { SkipDamaged = true });
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.BackupDamaged && drill.Damage.Count == 0)
        {
            return false; // the header itself: nothing says what the file holds
        }
        bool indexIsHurt = drill.Damage.Any(d => !d.Part.StartsWith("segment", StringComparison.Ordinal) && !d.Part.StartsWith("keys", StringComparison.Ordinal));
        HashSet<Guid> back = await backup.CompareAsync(disk, MemoryBackup.Target, ignorePlaces: indexIsHurt);
        Assert.Equal(run.Messages, back.Count);
        Assert.Equal(drill.Differences, run.Lost);
        if (!indexIsHurt) Assert.Equal(backup.Messages.Keys.Except(back).Order(), drill.LostMessages.Select(m => m.Id).Order());
        Assert.Empty(back.Intersect(run.LostMessages.Select(m => m.Id)));
        return true;
    }
}
