namespace MessageStore.Backups;

/// <summary>Frame types of a backup file (docs/format-backup.md).</summary>
internal enum BackupFrameType : byte
{
    Header = 64,
    Groups = 65,
    GroupBegin = 66,
    Snapshot = 67,
    Segment = 68,
    LogsMark = 69,
    Log = 70,
    Patch = 71,
    GroupEnd = 72,
    Keys = 73,
    Trailer = 74,
    /// <summary>Comes before the trailer.</summary>
    Contents = 75,
}
