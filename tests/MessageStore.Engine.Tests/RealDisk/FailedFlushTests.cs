using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;
using MessageStore.Writer;

namespace MessageStore.Tests.RealDisk;

/// <summary>
/// The kernel itself refuses a flush (strace injects EIO), once: the flush after it would succeed, which is how a store that tries again loses what the
/// first one dropped.
/// </summary>
public sealed class FailedFlushTests
{
    private const int Writers = 8;

    [StraceTheory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(40)]
    public async Task A_failed_flush_of_the_log_closes_its_group_for_all_who_wait_and_loses_nothing_acknowledged(int failing)
    {
        using var folder = new TemporaryFolder();
        string database = folder["db"], journal = folder["journal"];
        await CreateAsync(database);
        // Each thread has a counter of its own: the one that opens the group flushes the log once, then the committer alone does.
        string log = Assert.Single(LogFiles.List(DiskStorage.Instance, LogFolder(database, "SG1"))).Path;
        using WriterProcess writer = WriterProcess.Start(database, journal, WriterMode.UntilClosed, failing, Writers, 0,
            "strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-P", log, "-e", "trace=fsync,fdatasync",
            "-e", string.Create(CultureInfo.InvariantCulture, $"inject=fsync,fdatasync:error=EIO:when={failing}"));
        (int exitCode, string errors) = await writer.WaitForEndAsync();

        var model = new AckModel();
        model.Learn(journal);
        Assert.True(exitCode == 0, errors);
        List<string[]> lines = [.. AckJournal.Read(journal)];
        List<string[]> refusals = [.. lines.Where(l => l[0] == "E")];
        Assert.All(refusals, r => Assert.Equal(ErrorIds.GroupClosedForWriting, r[2]));
        // Each writer of the group twice, when it happened and when it tried again; nobody else.
        Assert.Equal(["w0", "w0", "w2", "w2", "w4", "w4", "w6", "w6"], refusals.Select(r => r[1]).Order());
        Assert.Equal(["V", model.Live.ToString(CultureInfo.InvariantCulture), "4"], lines.Single(l => l[0] == "V"));
        Assert.Equal(["SG1 ReadOnly", "SG2 Open"], lines.Where(l => l[0] == "S").Select(l => $"{l[1]} {l[2]}"));

        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        await model.VerifyAsync(store);
    }

    private static string LogFolder(string database, string group)
    {
        DatabaseSettings settings = DatabaseSettings.Load(DiskStorage.Instance, database);
        return MailDatabase.FoldersOf(database, settings, settings.StorageGroups.Single(g => g.Name == group)).Log;
    }

    /// <summary>Even numbers in the first group, odd ones in the second.</summary>
    private static async Task CreateAsync(string database)
    {
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database, StorageGroups = ["SG1", "SG2"] });
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        for (int i = 0; i < Writers; i++) await store.CreateMailboxAsync($"w{i}", i % 2 == 0 ? "SG1" : "SG2");
    }
}
