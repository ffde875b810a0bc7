namespace MessageStore;

/// <summary>The stable identifiers of all operating errors. Never rename one: administrators' scripts compare them.</summary>
public static class ErrorIds
{
    public const string PathNotFound = "PathNotFound";
    public const string NotADatabase = "NotADatabase";
    public const string DatabaseExists = "DatabaseExists";
    public const string DatabaseInUse = "DatabaseInUse";
    public const string DatabaseFormatTooNew = "DatabaseFormatTooNew";
    public const string DatabaseDamaged = "DatabaseDamaged";
    public const string LogDamaged = "LogDamaged";
    public const string StoreDamaged = "StoreDamaged";
    public const string StoreMissing = "StoreMissing";
    public const string LogMissing = "LogMissing";
    public const string GroupClosedForWriting = "GroupClosedForWriting";
    public const string GroupNotFound = "GroupNotFound";
    public const string InvalidName = "InvalidName";
    public const string MailboxNotFound = "MailboxNotFound";
    public const string MailboxExists = "MailboxExists";
    public const string MessageNotFound = "MessageNotFound";
    public const string MessageTooLarge = "MessageTooLarge";
    public const string MessageDamaged = "MessageDamaged";
    public const string NotMail = "NotMail";
    public const string MailTruncated = "MailTruncated";
    public const string DiskFull = "DiskFull";
    public const string AccessDenied = "AccessDenied";
    public const string DeviceFailed = "DeviceFailed";
    public const string MaintenanceRunning = "MaintenanceRunning";
    public const string ArchiveUnavailable = "ArchiveUnavailable";
    public const string ArchiveDamaged = "ArchiveDamaged";
    public const string ArchiveAccessDenied = "ArchiveAccessDenied";
    public const string ArchiveKeyMissing = "ArchiveKeyMissing";
    public const string KeysDamaged = "KeysDamaged";
    public const string KeysClosedForWriting = "KeysClosedForWriting";
    public const string BackupNotFound = "BackupNotFound";
    public const string BackupDamaged = "BackupDamaged";
    public const string BackupIncomplete = "BackupIncomplete";
    public const string BackupFormatTooNew = "BackupFormatTooNew";
    public const string BackupFormatTooOld = "BackupFormatTooOld";
    public const string BackupChainBroken = "BackupChainBroken";
    public const string BaseBackupNotFound = "BaseBackupNotFound";
    public const string BackupFailed = "BackupFailed";
    public const string DrillInconclusive = "DrillInconclusive";
    public const string DestinationNotEmpty = "DestinationNotEmpty";
    public const string PointInTimeNotCovered = "PointInTimeNotCovered";
    public const string ArchiveFailed = "ArchiveFailed";
    public const string RestoreFailed = "RestoreFailed";
    public const string OptimizeFailed = "OptimizeFailed";
    public const string InvalidParameter = "InvalidParameter";
    public const string FileExists = "FileExists";
    public const string MailDamaged = "MailDamaged";
    public const string DirectoryUnavailable = "DirectoryUnavailable";
    public const string NodeUnavailable = "NodeUnavailable";
    public const string UnitUnavailable = "UnitUnavailable";
    public const string NotEnoughCopies = "NotEnoughCopies";
    public const string NodeRefused = "NodeRefused";
}
