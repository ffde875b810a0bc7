namespace MessageStore;

/// <summary>
/// A mail database as cmdlets and server see it, whether it is open in this process or owned by a server on the other side of a
/// socket. All operating errors are <see cref="MessageStoreException"/>. Members may be called from any thread, concurrently.
/// </summary>
public interface IMessageStore : IAsyncDisposable
{
    /// <summary>The full path of the database folder.</summary>
    string Path { get; }

    Task<DatabaseStatus> GetStatusAsync(CancellationToken cancellationToken = default);

    /// <summary>Creates a mailbox in the named group, or in the group with the fewest mailboxes.</summary>
    /// <exception cref="MessageStoreException">MailboxExists, InvalidName, GroupNotFound.</exception>
    Task<MailboxInfo> CreateMailboxAsync(string name, string? storageGroup = null, CancellationToken cancellationToken = default);

    /// <summary>Removes a mailbox with all its messages, hot and archived.</summary>
    /// <exception cref="MessageStoreException">MailboxNotFound, MessageOnHold.</exception>
    Task RemoveMailboxAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Mailboxes whose name matches a pattern (<c>*</c>, <c>?</c>), by name; all where it is <see langword="null"/>.</summary>
    IAsyncEnumerable<MailboxInfo> ListMailboxesAsync(string? pattern = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Stores a message. When the task ends well the message is durable. A mailbox that is removed meanwhile takes the message with it: then the task ends with MailboxNotFound, or,
    /// where the mailbox may be created, the message lies in a new one.
    /// </summary>
    /// <exception cref="MessageStoreException">MailboxNotFound, InvalidName, MessageTooLarge, DiskFull, GroupClosedForWriting.</exception>
    Task<StoredMessage> AppendAsync(MessageToAppend message, CancellationToken cancellationToken = default);

    /// <summary>Lists messages by mailbox, then in the order they were stored. Archived messages are listed as hot ones are.</summary>
    IAsyncEnumerable<StoredMessage> ListAsync(MessageQuery query, CancellationToken cancellationToken = default);

    /// <summary>
    /// Finds messages, hot and archived, newest first, each as soon as it is found. Every message that was there when it was called is either asked of the index or read; of those that cannot be
    /// read, or must not, it is said that they were left out.
    /// </summary>
    /// <param name="notices">Told what was left out and why, and what makes the answer take longer.</param>
    /// <exception cref="MessageStoreException">InvalidParameter, MailboxNotFound; DatabaseDamaged where the index is damaged again and again. Where something is left out and there is nobody to tell, its notice as an
    /// error.</exception>
    IAsyncEnumerable<StoredMessage> FindAsync(MessageSearch search, IProgress<SearchNotice>? notices = null, CancellationToken cancellationToken = default);

    /// <summary>Indexes what is not indexed yet, tries again what could not be read, or makes everything anew. One result a group.</summary>
    /// <exception cref="MessageStoreException">GroupNotFound; DiskFull and other device errors.</exception>
    IAsyncEnumerable<SearchIndexStatus> UpdateSearchIndexAsync(SearchIndexOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Opens a message's raw bytes, hot or archived. Every byte was verified against the stored checksum before it is handed out;
    /// for archived mail the SHA-256 is compared before the first byte is.
    /// </summary>
    /// <exception cref="MessageStoreException">MessageNotFound, MessageDamaged, ArchiveUnavailable, ArchiveAccessDenied, ArchiveKeyMissing.</exception>
    Task<Stream> OpenReadAsync(Guid id, CancellationToken cancellationToken = default);

    /// <summary>Sets and clears flags, and returns the message as it is afterwards.</summary>
    Task<StoredMessage> SetFlagsAsync(Guid id, MessageFlags set, MessageFlags clear, CancellationToken cancellationToken = default);

    /// <summary>Moves a message to another folder of its mailbox; the folder is created where it is missing.</summary>
    Task<StoredMessage> MoveAsync(Guid id, string folder, CancellationToken cancellationToken = default);

    /// <summary>Deletes a message, hot or archived.</summary>
    /// <exception cref="MessageStoreException">MessageNotFound, MessageOnHold.</exception>
    Task DeleteAsync(Guid id, CancellationToken cancellationToken = default);

    /// <summary>Runs the Archive Agent. Per-mailbox trouble is in the receipts; the call itself fails only when nothing could be done.</summary>
    /// <exception cref="MessageStoreException">MaintenanceRunning, ArchiveUnavailable.</exception>
    Task<ArchiveRun> ArchiveAsync(ArchiveOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Brings archived messages back into the store, several at a time; each result leaves as it is made. Trouble with one message is its result.</summary>
    /// <exception cref="MessageStoreException">MailboxNotFound.</exception>
    IAsyncEnumerable<MessageRecall> RecallAsync(MessageQuery query, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Bars the archives of mailboxes, now and later: what lies there is listed and not read. Where the same pattern is barred already, that block is returned.</summary>
    /// <exception cref="MessageStoreException">MailboxNotFound.</exception>
    Task<ArchiveBlock> BlockArchiveAsync(string mailboxPattern, string reason, string by, CancellationToken cancellationToken = default);

    /// <summary>Lifts the blocks whose own pattern matches; they stay on record.</summary>
    /// <exception cref="MessageStoreException">BlockNotFound.</exception>
    Task<IReadOnlyList<ArchiveBlock>> UnblockArchiveAsync(string mailboxPattern, string reason, string by, CancellationToken cancellationToken = default);

    /// <summary>Blocks, the oldest first.</summary>
    IAsyncEnumerable<ArchiveBlock> ListArchiveBlocksAsync(bool includeLifted = false, CancellationToken cancellationToken = default);

    /// <summary>Keeps messages from being deleted by anybody, until the hold is lifted.</summary>
    /// <exception cref="MessageStoreException">MailboxNotFound, MessageNotFound, InvalidParameter.</exception>
    Task<MessageHold> AddHoldAsync(HoldRequest request, CancellationToken cancellationToken = default);

    /// <summary>Holds, the oldest first; or the one with an Id, in force or not.</summary>
    IAsyncEnumerable<MessageHold> ListHoldsAsync(Guid? id = null, bool includeLifted = false, CancellationToken cancellationToken = default);

    /// <summary>Lifts a hold; it stays on record.</summary>
    /// <exception cref="MessageStoreException">HoldNotFound.</exception>
    Task<MessageHold> RemoveHoldAsync(Guid id, string reason, string by, CancellationToken cancellationToken = default);

    /// <summary>Removes archived messages whose deletion date has passed and that no hold covers. Per-mailbox trouble is in the receipts.</summary>
    /// <exception cref="MessageStoreException">MaintenanceRunning, ArchiveUnavailable; a storage group is not open: nothing was removed.</exception>
    Task<ExpiryRun> ExpireAsync(ExpiryOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Changes the archive policy of a mailbox, or of the database; what the new one leaves open stays as it is.</summary>
    /// <param name="mailbox">The mailbox; <see langword="null"/> for the database.</param>
    /// <param name="policy">What is to change; <see langword="null"/> takes the policy away.</param>
    /// <param name="by">Who says so.</param>
    /// <param name="cancellationToken">Ends the call before anything is changed.</param>
    /// <returns>The policy now; <see langword="null"/> where there is none.</returns>
    /// <exception cref="MessageStoreException">MailboxNotFound, InvalidParameter.</exception>
    Task<ArchivePolicyInfo?> SetArchivePolicyAsync(string? mailbox, ArchivePolicy? policy, string by, CancellationToken cancellationToken = default);

    /// <summary>The archive policies, that of the database first.</summary>
    IAsyncEnumerable<ArchivePolicyInfo> ListArchivePoliciesAsync(CancellationToken cancellationToken = default);

    /// <summary>Reads the archive and compares it with keys and messages, and makes keys anew where that is asked for. What is wrong is a result, not an error.</summary>
    /// <param name="options">Where to look, and whether to mend.</param>
    /// <param name="progress">Counts records.</param>
    /// <param name="found">Told of each finding as it is made.</param>
    /// <param name="cancellationToken">Ends the test.</param>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    Task<ArchiveTest> TestArchiveAsync(ArchiveTestOptions options, IProgress<RunProgress>? progress = null, IProgress<ArchiveFinding>? found = null, CancellationToken cancellationToken = default);

    IAsyncEnumerable<ArchiveInfo> ListArchivesAsync(string? mailboxPattern = null, CancellationToken cancellationToken = default);

    /// <summary>Archive keys, one a copy, of the message or of the mailboxes that match a pattern.</summary>
    /// <param name="unit">Only copies on this unit, such as <c>n1/disk2</c>; <see langword="null"/> for all.</param>
    /// <param name="dueBefore">Only copies whose deletion date is before this; <see langword="null"/> for all.</param>
    IAsyncEnumerable<ArchiveKey> ListKeysAsync(
        Guid? id = null, string? mailboxPattern = null, string? unit = null, DateTimeOffset? dueBefore = null, CancellationToken cancellationToken = default);

    /// <summary>Runs a backup session while everybody else goes on.</summary>
    /// <exception cref="MessageStoreException">MaintenanceRunning, GroupNotFound, DiskFull.</exception>
    Task<BackupRun> BackupAsync(BackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Restores storage groups in their place while all others serve. The users of these groups get GroupRestoring meanwhile. Whatever goes wrong before the end leaves the groups as they were.
    /// </summary>
    /// <param name="options">The groups must be named; the destination is this database, and what its groups had is moved aside.</param>
    /// <exception cref="MessageStoreException">InvalidParameter without groups, GroupNotFound, MailboxExists, MaintenanceRunning, and what a restore throws.</exception>
    Task<RestoreRun> RestoreGroupsAsync(RestoreOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Brings single messages back straight from a backup file, each under its own Id, while everybody goes on. Each result leaves as it is made; trouble with one message is its result.
    /// </summary>
    /// <exception cref="MessageStoreException">InvalidParameter without a criterion, BackupNotFound, BackupDamaged, MailboxNotFound, GroupClosedForWriting, DiskFull.</exception>
    IAsyncEnumerable<MessageRestore> RestoreMessagesAsync(MessageRestoreOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Backups found at a path, or at the database's backup path, newest first. Incomplete files are listed as such.</summary>
    IAsyncEnumerable<BackupInfo> ListBackupsAsync(string? path = null, CancellationToken cancellationToken = default);

    /// <summary>Backs up without end; what happens leaves as it happens, trouble and a backup that is too old included. Ends only when it is cancelled.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter, GroupNotFound.</exception>
    IAsyncEnumerable<ContinuousBackupEvent> BackupContinuouslyAsync(ContinuousBackupOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Removes backups by count or age; never one that another stands on, and never the last good one. Each set that is due is told of.</summary>
    /// <exception cref="MessageStoreException">PathNotFound, InvalidParameter, MaintenanceRunning.</exception>
    IAsyncEnumerable<BackupRetention> RemoveBackupsAsync(BackupRetentionOptions options, CancellationToken cancellationToken = default);

    /// <summary>Archive, backup, archive, backup … as the options say; each decision leaves as it is made.</summary>
    IAsyncEnumerable<MaintenanceRecord> MaintainAsync(MaintenanceOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>The decisions of the past, newest first.</summary>
    IAsyncEnumerable<MaintenanceRecord> ListHistoryAsync(CancellationToken cancellationToken = default);

    /// <summary>What the schedule of a server wants next, and why not now; the same whether a server owns the database or not.</summary>
    /// <exception cref="MessageStoreException">SchedulerFailed: the schedule cannot be read.</exception>
    Task<MaintenancePlan> GetMaintenancePlanAsync(CancellationToken cancellationToken = default);

    /// <summary>Rewrites segments that are mostly dead, so that their space is back on the disk, while everybody goes on. One result a group.</summary>
    /// <exception cref="MessageStoreException">GroupNotFound, InvalidParameter. What keeps a group from it is in that group's result.</exception>
    IAsyncEnumerable<StorageGroupOptimization> OptimizeAsync(OptimizeOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads everything and compares it with what was written: images, index, checkpoints, logs, keys and archive. Damage is a result, not an error.
    /// </summary>
    /// <param name="found">Told of each finding as soon as it is known what became of it.</param>
    /// <exception cref="MessageStoreException">GroupNotFound.</exception>
    Task<DatabaseTest> TestAsync(DatabaseTestOptions options, IProgress<RunProgress>? progress = null, IProgress<DatabaseFinding>? found = null, CancellationToken cancellationToken = default);

    /// <summary>Tells the database where its storage nodes are, and whether what is archived from now on goes there.</summary>
    /// <exception cref="MessageStoreException">MaintenanceRunning, InvalidParameter; PathNotFound, AccessDenied for the key file. The old settings stay then.</exception>
    Task<DatabaseStatus> SetNodesAsync(NodeSettings settings, CancellationToken cancellationToken = default);

    /// <summary>Tells the database where its archive on S3-compatible object storage is, and whether what is archived from now on goes there. A bucket that is to take records is asked first.</summary>
    /// <exception cref="MessageStoreException">
    /// MaintenanceRunning, InvalidParameter; PathNotFound, AccessDenied for the file of credentials; ArchiveUnavailable where the bucket does not answer, is not there or belongs to another database.
    /// The old settings stay then.
    /// </exception>
    Task<DatabaseStatus> SetObjectsAsync(ObjectSettings settings, CancellationToken cancellationToken = default);

    /// <summary>The records of all storage nodes in the database's directory, those that have run out included.</summary>
    /// <exception cref="MessageStoreException">NodesNotSet, DirectoryUnavailable.</exception>
    IAsyncEnumerable<StorageServerRecord> ListStorageNodesAsync(CancellationToken cancellationToken = default);

    /// <summary>Compares the copies on storage nodes with the keys, and mends what differs where the options say so. What one copy or unit refuses is in the result.</summary>
    /// <exception cref="MessageStoreException">NodesNotSet, MaintenanceRunning, DirectoryUnavailable.</exception>
    Task<ReplicaRepairRun> RepairCopiesAsync(ReplicaRepairOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Moves the archive keys to another key manager: copies them, compares number and digest, and only then lets the new one count. Changes of keys wait meanwhile.</summary>
    /// <exception cref="MessageStoreException">
    /// MaintenanceRunning; KeysExist: the server holds keys of this database; KeysUnavailable, KeysDamaged, InvalidParameter, PathNotFound: the keys stay where they were.
    /// </exception>
    Task<KeyMove> MoveKeysAsync(KeyMoveOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default);
}
