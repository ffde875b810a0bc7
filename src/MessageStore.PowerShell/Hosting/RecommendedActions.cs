namespace MessageStore.PowerShell.Hosting;

/// <summary>What to do about an error, in one sentence; shown by <c>Get-Error</c> and in <c>ErrorDetails.RecommendedAction</c>.</summary>
internal static class RecommendedActions
{
    public static string For(string errorId) => errorId switch
    {
        ErrorIds.PathNotFound => "Check the path. Relative paths are resolved against the current location.",
        ErrorIds.NotADatabase => "Name a folder that New-MessageDatabase created, or create a database there.",
        ErrorIds.DatabaseExists => "Use the database that is there, or choose another path.",
        ErrorIds.DatabaseInUse => "End the process named in the message, or let it do the work.",
        ErrorIds.DatabaseFormatTooNew or ErrorIds.BackupFormatTooNew => "Update the MessageStore module.",
        ErrorIds.DatabaseDamaged or ErrorIds.LogDamaged or ErrorIds.StoreDamaged or ErrorIds.StoreMissing or ErrorIds.KeysDamaged =>
            "Restore with Restore-MessageDatabase, with -LogPath if the logs survived. See about_MessageStore_Recovery.",
        ErrorIds.LogMissing => "Bring the log path back, or restore. See about_MessageStore_Recovery.",
        ErrorIds.GroupClosedForWriting => "Repair the log device, then open the database again.",
        ErrorIds.GroupNotFound => "List the storage groups with Get-StorageGroup.",
        ErrorIds.InvalidName => "Choose a name of 1 to 255 characters without '/', '\\', control characters, and white space at its ends.",
        ErrorIds.MailboxNotFound => "List the mailboxes with Get-StoredMailbox, or create it with New-StoredMailbox.",
        ErrorIds.MailboxExists => "Use the mailbox that is there, or choose another name.",
        ErrorIds.MessageNotFound => "List the messages with Get-StoredMessage.",
        ErrorIds.NotMail or ErrorIds.MailTruncated or ErrorIds.MailDamaged => "Check the file with another mail program. What was whole has been imported.",
        ErrorIds.DiskFull => "Free space on the disk, then run the command again.",
        ErrorIds.AccessDenied => "Give the account write access to the path, then run the command again.",
        ErrorIds.DeviceFailed => "Check the disk and its cables; back up at once.",
        ErrorIds.MaintenanceRunning => "Wait until the run named in the message has ended.",
        ErrorIds.SchedulerUnavailable => "Choose another -Scheduler, or write the files with Export-MaintenanceSchedule and install them by hand.",
        ErrorIds.SchedulerFailed => "Read what the scheduler said; nothing else was changed. Task Scheduler and system units want an elevated session.",
        ErrorIds.ScheduleNotFound => "List the schedules with Get-MaintenanceSchedule.",
        ErrorIds.SearchIndexIncomplete => "Find what is damaged with Test-MessageDatabase, or bring the archive path back; then run Update-MessageSearchIndex again.",
        ErrorIds.ArchiveUnavailable => "Bring the archive path back; current mail is not affected.",
        ErrorIds.ArchiveDamaged or ErrorIds.ArchiveKeyMissing or ErrorIds.MessageDamaged =>
            "Take the message from a backup or another copy. See about_MessageStore_Recovery.",
        ErrorIds.ArchiveAccessDenied => "The message says who barred the archive; Unblock-MessageArchive opens it.",
        ErrorIds.BlockNotFound => "Get-MessageArchive shows which archives are barred.",
        ErrorIds.MessageOnHold or ErrorIds.HoldNotFound => "List the holds with Get-MessageHold.",
        ErrorIds.BackupNotFound => "List the backups with Get-StorageGroupBackup.",
        ErrorIds.BackupDamaged or ErrorIds.BackupIncomplete or ErrorIds.BackupFailed =>
            "Do not rely on this file: make another backup and prove it with Test-StorageGroupBackup.",
        ErrorIds.BackupFormatTooOld => "Make a new backup with Start-StorageGroupBackup.",
        ErrorIds.BaseBackupNotFound => "Make a full backup with Start-StorageGroupBackup -Kind Full; incremental ones can follow it.",
        ErrorIds.BackupTooOld => "Look at the errors before this one: they say why no newer backup could be made.",
        ErrorIds.BackupChainBroken => "Find the missing set, restore from an older chain, or begin a new one with Start-StorageGroupBackup -Kind Full.",
        ErrorIds.DrillInconclusive => "Remove the cause and run Test-StorageGroupBackup again: nothing is proved yet.",
        ErrorIds.DestinationNotEmpty => "Choose an empty destination, or add -Force to replace what is there.",
        ErrorIds.PointInTimeNotCovered => "Choose a time within the backup and its logs, or add -LogPath.",
        ErrorIds.NotEnoughCopies => "See that enough storage nodes run, then Repair-StorageNode; what could not be stored stays where it was.",
        ErrorIds.NodesNotSet => "Name the storage nodes with Set-MessageArchive -Target Nodes.",
        ErrorIds.NodeNotFound => "List the storage nodes with Get-StorageNodeRecord.",
        ErrorIds.ArchiveFailed => "Read the reason in the receipt; the messages stay readable, and the next run tries again.",
        ErrorIds.NoArchivePolicy => "Give criteria, or set a policy with Set-MessageDatabase or Set-StoredMailbox.",
        ErrorIds.ExpiryFailed => "Read the reason in the receipt; what was not removed is tried again by the next run.",
        ErrorIds.ServerConnectionLost or ErrorIds.ServerStopping => "Look what was done, and run the command again: what was acknowledged is stored.",
        ErrorIds.ServerFailed => "Read the server's log.",
        ErrorIds.ServerIncompatible => "Install the same version of module and server, and restart the server.",
        ErrorIds.ServerNotInstalled => "Install the ASP.NET Core runtime 10.0 and the whole module.",
        ErrorIds.ServerNotStarted => "Remove the cause named in the message; server.log in the database folder may say more.",
        ErrorIds.ServerNotRunning => "Start a server with Start-MessageServer; without one the cmdlets open the database themselves.",
        ErrorIds.OptimizeFailed => "Read the reason in the result; nothing was lost, and the command can be run again.",
        _ => "See about_MessageStore_Recovery.",
    };
}
