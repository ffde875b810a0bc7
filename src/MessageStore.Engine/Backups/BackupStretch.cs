namespace MessageStore.Backups;

/// <summary>A stretch of a backup file that can be read while others read the rest.</summary>
/// <param name="Offset">Where its first frame begins.</param>
/// <param name="Frame">Number of that frame.</param>
/// <param name="End">Where the first frame behind it begins.</param>
/// <param name="EndFrame">Number of that frame.</param>
/// <param name="Group">The storage group that it is; <see langword="null"/> for what lies between.</param>
internal sealed record BackupStretch(long Offset, long Frame, long End, long EndFrame, GroupContents? Group);
