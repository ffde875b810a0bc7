using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Remote;

/// <summary>What <see cref="IMessageStore"/> promises, whether the database is open in this process or owned by a server.</summary>
[SuppressMessage("Design", "CA1001", Justification = "DisposeAsync disposes it.")]
public abstract class StoreContractTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();

    protected string Database => folder["db"];

    private protected IMessageStore Store { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = Database, StorageGroups = ["SG1", "SG2"] });
        Store = await OpenAsync();
    }

    public async Task DisposeAsync()
    {
        await Store.DisposeAsync();
        await CloseAsync();
        folder.Dispose();
    }

    private protected abstract Task<IMessageStore> OpenAsync();

    private protected abstract Task CloseAsync();

    [Fact]
    public async Task It_knows_its_path_and_its_figures()
    {
        Assert.Equal(Database, Store.Path);
        DatabaseStatus status = await Store.GetStatusAsync();
        Assert.Equal(["SG1", "SG2"], status.StorageGroups.Select(g => g.Name));
        Assert.Null(status.BackupAge);
    }

    [Fact]
    public async Task Mailboxes_come_into_being_are_listed_and_go()
    {
        await Store.CreateMailboxAsync("bob", "SG2");
        await Store.CreateMailboxAsync("Älice");
        Assert.Equal(["bob", "Älice"], (await ListAsync(Store.ListMailboxesAsync())).Select(m => m.Name));
        Assert.Equal("SG2", (await ListAsync(Store.ListMailboxesAsync("b*"))).Single().StorageGroup);
        await Store.RemoveMailboxAsync("bob");
        Assert.Equal(["Älice"], (await ListAsync(Store.ListMailboxesAsync())).Select(m => m.Name));
    }

    [Fact]
    public async Task Errors_carry_identifier_kind_and_target()
    {
        await Store.CreateMailboxAsync("alice");
        await FailsAsync(ErrorIds.MailboxExists, ErrorKind.AlreadyExists, "alice", () => Store.CreateMailboxAsync("alice"));
        await FailsAsync(ErrorIds.MailboxNotFound, ErrorKind.NotFound, "nobody", () => Store.RemoveMailboxAsync("nobody"));
        var id = Guid.NewGuid();
        await FailsAsync(ErrorIds.MessageNotFound, ErrorKind.NotFound, id, () => Store.OpenReadAsync(id));
        await FailsAsync(ErrorIds.MessageNotFound, ErrorKind.NotFound, id, () => Store.DeleteAsync(id));
        await FailsAsync(ErrorIds.MailboxNotFound, ErrorKind.NotFound, "nobody", () => ListAsync(Store.ListAsync(new MessageQuery { Mailbox = "nobody" })));
        await FailsAsync(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, 99, () => Store.ArchiveAsync(new ArchiveOptions { Seekers = 99 }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    [InlineData(3_000_000)]
    public async Task A_message_comes_back_byte_for_byte(int size)
    {
        byte[] bytes = Mail(1, size);
        StoredMessage stored = await AppendAsync(bytes, "alice", "Projects/Über");
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), stored.Sha256);
        Assert.Equal(bytes, await ReadAsync(stored.Id));
        StoredMessage listed = (await ListAsync(Store.ListAsync(new MessageQuery { Ids = [stored.Id] }))).Single();
        Assert.Equal(Sample.Describe(stored), Sample.Describe(listed));
    }

    [Fact]
    public async Task A_list_holds_what_the_query_says_and_may_be_left_early()
    {
        for (int i = 0; i < 600; i++) await AppendAsync(Mail(i), i % 2 == 0 ? "alice" : "bob");
        Assert.Equal(600, (await ListAsync(Store.ListAsync(new MessageQuery()))).Count);
        Assert.Equal(300, (await ListAsync(Store.ListAsync(new MessageQuery { Mailbox = "BOB" }))).Count);
        Assert.Equal("message 599", (await ListAsync(Store.ListAsync(new MessageQuery { Subject = "message 599" })))[0].Subject);
        for (int round = 0; round < 5; round++)
        {
            int seen = 0;
            await foreach (StoredMessage _ in Store.ListAsync(new MessageQuery())) if (++seen == 3) break;
        }
        Assert.Equal(600, (await Store.GetStatusAsync()).MessageCount);
    }

    [Fact]
    public async Task Flags_folders_and_deletions_take_effect()
    {
        StoredMessage message = await AppendAsync(Mail(1), "alice");
        Assert.True((await Store.SetFlagsAsync(message.Id, MessageFlags.Read | MessageFlags.Flagged, 0)).IsRead);
        Assert.Equal(MessageFlags.Flagged, (await Store.SetFlagsAsync(message.Id, 0, MessageFlags.Read)).Flags);
        Assert.Equal("Old", (await Store.MoveAsync(message.Id, "Old")).Folder);
        await Store.DeleteAsync(message.Id);
        Assert.Empty(await ListAsync(Store.ListAsync(new MessageQuery())));
    }

    [Fact]
    public async Task Many_appends_at_once_are_all_there_once()
    {
        StoredMessage[] stored = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => AppendAsync(Mail(i), $"user{i % 7}")));
        Assert.Equal(stored.Select(m => m.Id).Order(), (await ListAsync(Store.ListAsync(new MessageQuery()))).Select(m => m.Id).Order());
    }

    [Fact]
    public async Task Archive_and_backup_report_and_leave_results_and_history()
    {
        for (int i = 0; i < 50; i++) await AppendAsync(Mail(i), "alice");
        var reports = new Reports<RunProgress>();
        var records = new List<MaintenanceRecord>();
        await foreach (MaintenanceRecord record in Store.MaintainAsync(new MaintenanceOptions { Archive = new ArchiveOptions { Before = DateTimeOffset.MaxValue } }, reports)) records.Add(record);
        Assert.Equal([MaintenanceDecision.Ran, MaintenanceDecision.Ran], records.Select(r => r.Decision));
        Assert.Equal(50, Assert.IsType<ArchiveRun>(records[0].Result).Moved);
        Assert.True(File.Exists(Assert.IsType<BackupRun>(records[1].Result).Path));
        Assert.NotEmpty(reports.All);

        Assert.Equal([MaintenanceTask.Backup, MaintenanceTask.Archive], (await ListAsync(Store.ListHistoryAsync())).Select(r => r.Task));
        Assert.Equal(50, (await ListAsync(Store.ListArchivesAsync())).Single().MessageCount);
        ArchiveKey key = (await ListAsync(Store.ListKeysAsync(mailboxPattern: "alice")))[0];
        Assert.Equal(Mail(0).Length, (await ReadAsync(key.Id)).Length);
        Assert.Equal(records[1].RunId, (await ListAsync(Store.ListBackupsAsync())).Single().Id);
        Assert.NotNull((await Store.GetStatusAsync()).BackupAge);
        Assert.Equal(DatabaseTestResult.Whole, (await Store.TestAsync(new DatabaseTestOptions())).Result);
        Assert.Equal(2, (await ListAsync(Store.OptimizeAsync(new OptimizeOptions { DryRun = true }))).Count);
    }

    [Fact]
    public async Task Words_are_found_hot_and_archived_and_what_is_left_out_is_told()
    {
        for (int i = 0; i < 6; i++) await AppendAsync(Mail(i), i < 3 ? "alice" : "bob");
        await Store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue, Mailboxes = ["alice"] });
        Assert.Equal(6, (await ListAsync(Store.FindAsync(new MessageSearch { Query = "text message" }))).Count);
        Assert.Equal("message 2", Assert.Single(await ListAsync(Store.FindAsync(new MessageSearch { From = "a2@example.com", IsArchived = true }))).Subject);
        Assert.Equal(3, (await ListAsync(Store.FindAsync(new MessageSearch { Query = "\"message 4\"" }))).Count + (await ListAsync(Store.FindAsync(new MessageSearch { Query = "mess* mailbox:b*", Subject = "-4" }))).Count);
        await Store.BlockArchiveAsync("alice", "an inquiry", "carol");
        var told = new Told();
        Assert.Equal(3, (await ListAsync(Store.FindAsync(new MessageSearch { Text = "text" }, told))).Count);
        Assert.Equal((ErrorIds.ArchiveAccessDenied, "alice", 3, true), (Assert.Single(told.Notices).Id, told.Notices[0].Target, told.Notices[0].Count, told.Notices[0].MayMissHits));
        await FailsAsync(ErrorIds.ArchiveAccessDenied, ErrorKind.Denied, "alice", () => ListAsync(Store.FindAsync(new MessageSearch { Text = "text" })));
        await FailsAsync(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "!!!", () => ListAsync(Store.FindAsync(new MessageSearch { Query = "!!!" })));
        List<SearchIndexStatus> status = await ListAsync(Store.UpdateSearchIndexAsync(new SearchIndexOptions { Rebuild = true }));
        Assert.Equal([("SG1", true), ("SG2", true)], status.Select(s => (s.StorageGroup, s.IsComplete)));
        Assert.Equal(6, status.Sum(s => s.MessageCount));
    }

    [Fact]
    public async Task Findings_of_a_test_are_reported_as_they_are_found()
    {
        StoredMessage message = await AppendAsync(Mail(1, 50_000), "alice");
        await Store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue });
        string file = (await ListAsync(Store.ListArchivesAsync())).Single().Files.Single();
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        var found = new Reports<DatabaseFinding>();
        DatabaseTest test = await Store.TestAsync(new DatabaseTestOptions(), null, found);
        Assert.Equal(DatabaseTestResult.Damaged, test.Result);
        Assert.Contains(found.All, f => f.Id == message.Id);
    }

    [Fact]
    public async Task A_cancelled_token_cancels()
    {
        await AppendAsync(Mail(1), "alice");
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ListAsync(Store.ListAsync(new MessageQuery(), cancelled.Token)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.BackupAsync(new BackupOptions(), null, cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (StoredMessage _ in Store.ListAsync(new MessageQuery()).WithCancellation(cancelled.Token)) Assert.Fail("Something came.");
        });
    }

    private static byte[] Mail(int number, int size = 0)
    {
        byte[] head = Encoding.ASCII.GetBytes($"From: a{number}@example.com\r\nTo: b@example.com\r\nSubject: message {number}\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\n\r\ntext\r\n");
        if (size <= head.Length) return head;
        byte[] mail = Sample.Bytes(size);
        head.CopyTo(mail, 0);
        return mail;
    }

    private async Task<StoredMessage> AppendAsync(byte[] bytes, string mailbox, string folderName = "Inbox")
    {
        using var stream = new MemoryStream(bytes);
        using MessageBody body = MessageBody.FromStream(stream);
        return await Store.AppendAsync(new MessageToAppend { Mailbox = mailbox, Folder = folderName, Body = body });
    }

    private async Task<byte[]> ReadAsync(Guid id)
    {
        await using Stream stream = await Store.OpenReadAsync(id);
        var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    private static async Task<List<T>> ListAsync<T>(IAsyncEnumerable<T> sequence)
    {
        var items = new List<T>();
        await foreach (T item in sequence) items.Add(item);
        return items;
    }

    private static async Task FailsAsync(string id, ErrorKind kind, object target, Func<Task> act)
    {
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(act);
        Assert.Equal((id, kind), (error.ErrorId, error.Kind));
        Assert.Equal(target, error.Target);
    }

    /// <summary>Keeps reports, in the order in which they come.</summary>
    private sealed class Reports<T> : IProgress<T>
    {
        private readonly List<T> all = [];

        public IReadOnlyList<T> All
        {
            get
            {
                lock (all) return [.. all];
            }
        }

        public void Report(T value)
        {
            lock (all) all.Add(value);
        }
    }

    private sealed class Told : IProgress<SearchNotice>
    {
        public List<SearchNotice> Notices { get; } = [];

        public void Report(SearchNotice value) => Notices.Add(value);
    }
}
