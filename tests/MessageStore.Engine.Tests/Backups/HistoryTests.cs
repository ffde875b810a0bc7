using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Backups;

/// <summary>A group that was restored to an earlier transaction goes on with numbers that it had before: logs of the one past are never taken for those of the other.</summary>
public sealed class HistoryTests : IDisposable
{
    private const string Beside = "/beside";
    private const string Target = "/again";

    private readonly BackupBed bed = new();

    [Fact]
    public void Logs_that_go_on_with_the_numbers_of_a_backup_but_in_another_history_are_refused_and_both_are_named()
    {
        using MailDatabase other = Part(out _);
        bed.Append(4);
        BackupRun newest = bed.BackUp();
        ulong end = EndOf(newest.Path).EndLsn;
        BringTo(other.Groups[0], end);
        other.Groups[0].EndLogFile();
        bed.Append(3, group: other.Groups[0]); // the very next transaction after the backup, by number
        Guid history = Assert.Single(other.Groups[0].Histories).Id;
        MessageStoreException refused = Refused(new RestoreOptions { BackupPath = newest.Path, Destination = Target, LogPath = other.LogPath });
        Assert.Contains($"belongs to the history that the group was created in for the backup, and to history {history} for ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(bed.Storage.ListFolders("/"), f => f.Contains("again", StringComparison.Ordinal));

        // And the other way round.
        BackupRun others = BackUp(other, BackupKind.Full);
        BringTo(bed.Group, EndOf(others.Path).EndLsn);
        bed.Group.EndLogFile();
        bed.Append(3);
        Assert.Contains($"belongs to history {history} for the backup", Refused(new RestoreOptions { BackupPath = others.Path, Destination = Target, LogPath = bed.Mail.LogPath }).Message, StringComparison.Ordinal);

        // What does not need the logs does not ask for their past.
        Assert.Equal(EndOf(others.Path).Messages, Restore(new RestoreOptions { BackupPath = others.Path, Destination = Target, LogPath = bed.Mail.LogPath, Lsn = EndOf(others.Path).EndLsn, StorageGroups = ["SG1"] }).Messages);
        // Each with its own is what it was.
        Assert.Equal(bed.Group.GetStatus().MessageCount, Restore(new RestoreOptions { BackupPath = newest.Path, Destination = Target + 2, LogPath = bed.Mail.LogPath }).Messages);
    }

    [Fact]
    public void Logs_that_part_from_the_backup_only_behind_its_end_go_on_with_it_over_any_number_of_restores()
    {
        using MailDatabase other = Part(out string first);
        bed.Append(3, group: other.Groups[0]);
        (ulong lsn, UInt128 digest) = other.Groups[0].StateDigest;
        RestoreRun run = Restore(new RestoreOptions { BackupPath = first, Destination = Target, LogPath = other.LogPath });
        using (MailDatabase again = MailDatabase.Open(bed.Storage, Target, BackupBed.Small))
        {
            Assert.Equal((lsn, digest), again.Groups[0].StateDigest);
            Assert.Equal(2, again.Groups[0].Histories.Count);
        }
        // Restored again before anything was committed, and from logs that name both.
        Restore(new RestoreOptions { BackupPath = first, Destination = Target + 2, LogPath = Path.Combine(Target, "logs") });
        using MailDatabase twice = MailDatabase.Open(bed.Storage, Target + 2, BackupBed.Small);
        Assert.Equal((lsn, digest), twice.Groups[0].StateDigest);
        Assert.Equal(2, twice.Groups[0].Histories.Count); // the one in which nothing happened is forgotten
        Assert.Empty(run.Warnings);
    }

    [Fact]
    public void A_history_is_kept_in_every_log_file_and_every_backup_from_then_on()
    {
        Guid history;
        using (MailDatabase other = Part(out _))
        {
            history = Assert.Single(other.Groups[0].Histories).Id;
            bed.Append(10, group: other.Groups[0]);
            foreach (LogFile log in LogFiles.List(bed.Storage, other.Groups[0].LogFolder))
            {
                using IStorageFile file = bed.Storage.Open(log.Path, FileAccessKind.Read);
                bool isLater = log.FirstLsn >= other.Groups[0].Histories[0].FirstLsn;
                Assert.Equal(isLater ? [history] : [], GroupFileHeader.Read(file, out _)!.Histories.Select(h => h.Id));
            }
        }
        using MailDatabase again = MailDatabase.Open(bed.Storage, Beside, BackupBed.Small);
        Assert.Equal(history, Assert.Single(again.Groups[0].Histories).Id);
        foreach (BackupKind kind in (BackupKind[])[BackupKind.Full, BackupKind.Incremental, BackupKind.Logs])
        {
            bed.Append(1, group: again.Groups[0]);
            BackupRun run = BackUp(again, kind);
            Assert.Equal(again.Groups[0].Histories, EndOf(run.Path).Histories);
            BackupBed.Prove(bed.Storage, run.Path);
        }
        Assert.Empty(EndOf(bed.BackUp().Path).Histories);
    }

    [Fact]
    public void Logs_of_another_history_that_do_not_even_go_on_are_left_alone_with_a_word()
    {
        using MailDatabase other = Part(out _);
        bed.Append(6);
        BackupRun newest = bed.BackUp();
        RestoreRun run = Restore(new RestoreOptions { BackupPath = newest.Path, Destination = Target, LogPath = other.LogPath });
        Assert.Contains("another history", Assert.Single(run.Warnings), StringComparison.Ordinal);
        Assert.Equal(newest.Messages, run.Messages);
    }

    [Fact]
    public void What_was_saved_of_a_damaged_backup_has_a_history_of_its_own_and_takes_no_logs_of_another()
    {
        using MailDatabase other = Part(out _);
        bed.Append(30);
        BackupRun newest = bed.BackUp();
        ulong end = EndOf(newest.Path).EndLsn;
        string noTrailer = Damage(newest.Path, "/no-trailer", length => length - 2048), noMessage = Damage(newest.Path, "/no-message", length => length / 2);
        BringTo(other.Groups[0], end);
        other.Groups[0].EndLogFile();
        bed.Append(1, group: other.Groups[0]);
        foreach (string damaged in (string[])[noTrailer, noMessage])
            Refused(new RestoreOptions { BackupPath = damaged, Destination = Target, LogPath = other.LogPath, SkipDamaged = true });

        RestoreRun saved = Restore(new RestoreOptions { BackupPath = noMessage, Destination = Target, SkipDamaged = true });
        Assert.NotEmpty(saved.Damage);
        using MailDatabase again = MailDatabase.Open(bed.Storage, Target, BackupBed.Small);
        Assert.Equal(1ul, Assert.Single(again.Groups[0].Histories).FirstLsn);
        // Its transactions have small numbers again: its log would go on behind the backup one day.
        BringTo(again.Groups[0], end);
        again.Groups[0].EndLogFile();
        bed.Append(1, group: again.Groups[0]);
        Refused(new RestoreOptions { BackupPath = newest.Path, Destination = Target + 2, LogPath = again.LogPath });
    }

    [Fact]
    public void A_header_has_room_for_as_many_histories_as_are_kept_and_the_oldest_stands_for_those_before()
    {
        IReadOnlyList<GroupHistory> histories = [];
        for (int i = 1; i <= 40; i++) histories = GroupHistory.Begin(histories, new Guid(i, 0, 0, new byte[8]), (ulong)i * 10);
        Assert.Equal(GroupHistory.MostKept, histories.Count);
        Assert.Equal(histories[0].Id, GroupHistory.Of(histories, 1)); // not the group's first: what it was is not known any more
        Assert.Equal(new Guid(40, 0, 0, new byte[8]), GroupHistory.Of(histories, 400));
        Assert.Equal(new Guid(39, 0, 0, new byte[8]), GroupHistory.Of(histories, 399));
        var header = new GroupFileHeader(GroupFileKind.Log, new GroupIdentity(Guid.NewGuid(), new string('\u20ac', 255), 7), 400) { Histories = histories };
        byte[] bytes = header.Encode(399, 1);
        Assert.InRange(bytes.Length, 1, GroupFileHeader.LongestFrame);
        GroupFileHeader read = GroupFileHeader.Read(bytes, "log", out int length)!;
        Assert.Equal(bytes.Length, length);
        Assert.Equal((header.Identity, header.Number), (read.Identity, read.Number));
        Assert.Equal(histories, read.Histories);
    }

    [Fact]
    public void The_log_of_a_group_that_was_never_restored_is_what_older_versions_read()
    {
        byte[] bytes = new GroupFileHeader(GroupFileKind.Log, bed.Group.Identity, 1).Encode(0, 0);
        Assert.Equal(1, bytes[FrameHeader.Size]);
        Assert.Equal(FrameHeader.FrameLength(26 + bed.Group.Name.Length), bytes.Length);
    }

    public void Dispose() => bed.Dispose();

    /// <summary>A backup, some transactions, and a database restored to the middle of them: from there on there are two pasts.</summary>
    private MailDatabase Part(out string backup)
    {
        bed.Append(3);
        backup = bed.BackUp().Path;
        bed.Append(2);
        ulong there = bed.Group.LastLsn;
        bed.Append(2);
        Restore(new RestoreOptions { BackupPath = backup, Destination = Beside, LogPath = bed.Mail.LogPath, Lsn = there, StorageGroups = ["SG1"] });
        MailDatabase other = MailDatabase.Open(bed.Storage, Beside, BackupBed.Small);
        Assert.Equal(there, other.Groups[0].LastLsn);
        Assert.Equal(there + 1, Assert.Single(other.Groups[0].Histories).FirstLsn);
        return other;
    }

    /// <summary>A copy of a backup with one byte that is not what was written.</summary>
    private string Damage(string path, string folder, Func<int, int> where)
    {
        byte[] bytes = bed.Storage.Content(path);
        bytes[where(bytes.Length)] ^= 1;
        string copy = Path.Combine(folder, Path.GetFileName(path));
        bed.Storage.Put(copy, bytes);
        return copy;
    }

    private void BringTo(StorageGroup group, ulong lsn)
    {
        Assert.True(group.LastLsn <= lsn, $"{group.LastLsn} is past {lsn}");
        while (group.LastLsn < lsn) bed.Append(1, group: group);
    }

    private BackupRun BackUp(MailDatabase database, BackupKind kind) =>
        new BackupSession(database, bed.Storage, null, TimeProvider.System, null).RunAsync(new BackupOptions { Kind = kind, Destinations = ["/others"] }, CancellationToken.None).GetAwaiter().GetResult();

    private RestoreRun Restore(RestoreOptions options) => new DatabaseRestore(bed.Storage, TimeProvider.System, null).Run(options, (_, _, _, _, _, _) => [], CancellationToken.None);

    private MessageStoreException Refused(RestoreOptions options)
    {
        MessageStoreException refused = Assert.Throws<MessageStoreException>(() => Restore(options));
        Assert.Equal(ErrorIds.LogOfAnotherHistory, refused.ErrorId);
        return refused;
    }

    private GroupEndMark EndOf(string path)
    {
        using var reader = new BackupReader(bed.Storage, path, null);
        return reader.Contents.Groups[0].End;
    }
}
