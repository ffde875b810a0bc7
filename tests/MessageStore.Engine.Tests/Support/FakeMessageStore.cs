using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using MessageStore.Messages;

namespace MessageStore.Tests.Support;

/// <summary>A message store in memory, as far as import and export need one. Appends end out of order, as those of many writers do.</summary>
internal sealed class FakeMessageStore : IMessageStore
{
    private readonly ConcurrentDictionary<Guid, (StoredMessage Message, byte[] Bytes)> messages = new();
    private readonly Lock gate = new();
    private int underWay;
    private long bytesUnderWay;
    private int appends;

    public string Path => "fake";

    /// <summary>Errors to give instead of storing, by the number of the append, from 1.</summary>
    public Dictionary<int, Exception> Failures { get; } = [];

    /// <summary>Whether appends take a while, so that they overlap.</summary>
    public bool IsSlow { get; set; }

    public int MostUnderWay { get; private set; }

    public long MostBytesUnderWay { get; private set; }

    public IReadOnlyList<StoredMessage> Messages => [.. messages.Values.Select(entry => entry.Message).OrderBy(message => message.Id)];

    public byte[] BytesOf(Guid id) => messages[id].Bytes;

    /// <summary>Alters a stored message behind everybody's back.</summary>
    public void Damage(Guid id) => messages[id].Bytes[0] ^= 1;

    public async Task<StoredMessage> AppendAsync(MessageToAppend message, CancellationToken cancellationToken = default)
    {
        Guid id = Guid.CreateVersion7();
        int number;
        lock (gate)
        {
            number = ++appends;
            bytesUnderWay += message.Body.Length;
            MostUnderWay = Math.Max(MostUnderWay, ++underWay);
            MostBytesUnderWay = Math.Max(MostBytesUnderWay, bytesUnderWay);
        }
        try
        {
            if (IsSlow) await Task.Delay(number % 7, cancellationToken);
            if (Failures.TryGetValue(number, out Exception? failure)) throw failure;
            byte[] bytes = new byte[message.Body.Length];
            int read = 0;
            while (read < bytes.Length) read += message.Body.Read(bytes.AsSpan(read), read);
            MessageSummary summary = HeaderReader.Instance.Read(message.Body.Head.Span);
            var stored = new StoredMessage
            {
                Id = id,
                Mailbox = message.Mailbox,
                Folder = message.Folder,
                ReceivedDate = message.ReceivedDate ?? summary.ReceivedDate ?? summary.Date ?? DateTimeOffset.UnixEpoch,
                From = summary.From,
                Subject = summary.Subject,
                Size = bytes.Length,
                Flags = message.Flags,
                IsPartial = summary.IsPartial,
                Sha256 = Convert.ToHexStringLower(message.Body.Sha256),
            };
            messages[id] = (stored, bytes);
            return stored;
        }
        finally
        {
            lock (gate)
            {
                underWay--;
                bytesUnderWay -= message.Body.Length;
            }
        }
    }

    public async IAsyncEnumerable<StoredMessage> ListAsync(MessageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (StoredMessage message in Messages)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
            if (query.Mailbox is null or "*" || query.Mailbox == message.Mailbox) yield return message;
        }
    }

    public async IAsyncEnumerable<MailboxInfo> ListMailboxesAsync(string? pattern = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        foreach (string name in Messages.Select(message => message.Mailbox).Distinct()) yield return new MailboxInfo { Name = name, StorageGroup = "SG1" };
    }

    public Task<Stream> OpenReadAsync(Guid id, CancellationToken cancellationToken = default) =>
        Task.FromResult<Stream>(new MemoryStream(messages[id].Bytes, writable: false));

    public ValueTask DisposeAsync() => default;

    public Task<DatabaseStatus> GetStatusAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<MailboxInfo> CreateMailboxAsync(string name, string? storageGroup = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<StoredMessage> SetFlagsAsync(Guid id, MessageFlags set, MessageFlags clear, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<StoredMessage> MoveAsync(Guid id, string folder, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task RemoveMailboxAsync(string name, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task DeleteAsync(Guid id, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<ArchiveRun> ArchiveAsync(ArchiveOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<StoredMessage> FindAsync(MessageSearch search, IProgress<SearchNotice>? notices = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<SearchIndexStatus> UpdateSearchIndexAsync(SearchIndexOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<MessageRecall> RecallAsync(MessageQuery query, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<ArchiveBlock> BlockArchiveAsync(string mailboxPattern, string reason, string by, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<ArchiveBlock>> UnblockArchiveAsync(string mailboxPattern, string reason, string by, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<ArchiveBlock> ListArchiveBlocksAsync(bool includeLifted = false, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<MessageHold> AddHoldAsync(HoldRequest request, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IAsyncEnumerable<MessageHold> ListHoldsAsync(Guid? id = null, bool includeLifted = false, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<MessageHold> RemoveHoldAsync(Guid id, string reason, string by, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<ExpiryRun> ExpireAsync(ExpiryOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<ArchivePolicyInfo?> SetArchivePolicyAsync(string? mailbox, ArchivePolicy? policy, string by, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<ArchivePolicyInfo> ListArchivePoliciesAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<ArchiveTest> TestArchiveAsync(ArchiveTestOptions options, IProgress<RunProgress>? progress = null, IProgress<ArchiveFinding>? found = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<ArchiveInfo> ListArchivesAsync(string? mailboxPattern = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<ArchiveKey> ListKeysAsync(
        Guid? id = null, string? mailboxPattern = null, string? unit = null, DateTimeOffset? dueBefore = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<BackupRun> BackupAsync(BackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<ContinuousBackupEvent> BackupContinuouslyAsync(ContinuousBackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<BackupRetention> RemoveBackupsAsync(BackupRetentionOptions options, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public Task<RestoreRun> RestoreGroupsAsync(RestoreOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IAsyncEnumerable<MessageRestore> RestoreMessagesAsync(MessageRestoreOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<BackupInfo> ListBackupsAsync(string? path = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<MaintenanceRecord> MaintainAsync(
        MaintenanceOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<MaintenanceRecord> ListHistoryAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<MaintenancePlan> GetMaintenancePlanAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IAsyncEnumerable<StorageGroupOptimization> OptimizeAsync(
        OptimizeOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<DatabaseTest> TestAsync(
        DatabaseTestOptions options, IProgress<RunProgress>? progress = null, IProgress<DatabaseFinding>? found = null,
        CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<KeyMove> MoveKeysAsync(KeyMoveOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<DatabaseStatus> SetObjectsAsync(ObjectSettings settings, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<DatabaseStatus> SetNodesAsync(NodeSettings settings, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IAsyncEnumerable<StorageServerRecord> ListStorageNodesAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task<ReplicaRepairRun> RepairCopiesAsync(ReplicaRepairOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();
}
