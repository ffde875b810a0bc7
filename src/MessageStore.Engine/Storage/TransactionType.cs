namespace MessageStore.Storage;

/// <summary>Frame types of logs, segments and snapshots (docs/format-log.md, docs/format-segment.md).</summary>
internal enum TransactionType : byte
{
    Append = 1,
    AppendBegin = 2,
    AppendPart = 3,
    MailboxCreated = 4,
    FolderCreated = 5,
    MailboxRemoved = 6,
    Flags = 7,
    Moved = 8,
    Deleted = 9,
    Tagged = 10,
    Archived = 11,
    Recalled = 12,
    BackedUp = 13,
    /// <summary>Changes nothing: its durable LSN vouches for the group of transactions before it.</summary>
    Vouch = 14,
    /// <summary>A record that the administrator left: a hold, a barred archive, a policy.</summary>
    Record = 19,
    /// <summary>Messages that a hold names one by one.</summary>
    RecordMembers = 20,
}

/// <summary>Frame types that are no transactions.</summary>
internal enum FileFrameType : byte
{
    LogHeader = 16,
    SegmentHeader = 17,
    SnapshotHeader = 18,
    SearchHeader = 28,
    SearchIds = 29,
    SearchBlock = 30,
    SearchDirectory = 31,
    SnapshotTables = 32,
    SnapshotPage = 33,
    SnapshotEnd = 34,
    SearchEnd = 35,
}
