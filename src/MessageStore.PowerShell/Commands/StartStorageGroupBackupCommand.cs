using System.Management.Automation;
using System.Security;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Backs up storage groups while everybody else goes on.</summary>
[Cmdlet(VerbsLifecycle.Start, "StorageGroupBackup", DefaultParameterSetName = "Session", SupportsShouldProcess = true)]
[OutputType(typeof(BackupRun), typeof(MessageStoreJob))]
public sealed class StartStorageGroupBackupCommand : DatabaseRunCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(StorageGroupCompleter))]
    public string[] StorageGroup { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string[] Destination { get; set; } = [];

    [Parameter(ParameterSetName = "Session")]
    public BackupKind Kind { get; set; }

    [Parameter]
    public BackupPriority Priority { get; set; }

    [Parameter]
    public BackupCompression Compression { get; set; }

    [Parameter]
    public SecureString? EncryptionKey { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "Continuous")]
    public SwitchParameter Continuous { get; set; }

    [Parameter(ParameterSetName = "Continuous")]
    [ValidateSpan]
    public TimeSpan Interval { get; set; } = new ContinuousBackupOptions().Interval;

    [Parameter(ParameterSetName = "Continuous")]
    [ValidateSpan]
    public TimeSpan LogShippingInterval { get; set; } = new ContinuousBackupOptions().LogShippingInterval;

    [Parameter(ParameterSetName = "Continuous")]
    [ValidateSpan]
    public TimeSpan MaximumAge { get; set; } = new ContinuousBackupOptions().MaximumAge;

    [Parameter(ParameterSetName = "Continuous")]
    [ValidateSpan]
    public TimeSpan FullInterval { get; set; } = new ContinuousBackupOptions().FullInterval;

    private protected override string Activity => "Backing up";

    /// <summary>Where another run keeps the database from us, that run is the error.</summary>
    private protected override Task<IMessageStore> OpenAsync(string path, CancellationToken token) =>
        MessageDatabase.OpenForMaintenanceAsync(path, MaintenanceTask.Backup, token);

    protected override void ProcessRecord()
    {
        string groups = StorageGroup.Length == 0 ? "all storage groups" : "storage groups " + string.Join(", ", StorageGroup);
        if (!ShouldProcess(Database, $"Back up {groups}{(Continuous ? " again and again" : "")}")) return;
        var options = new BackupOptions { StorageGroups = StorageGroup, Destinations = Destination, Kind = Kind, Priority = Priority, Compression = Compression };
        (SecureString? password, string? keyFile) = (EncryptionKey, KeyFile);
        if (!Continuous)
        {
            UseOrStart(async (store, run) =>
            {
                using BackupSecret secret = BackupSecret.Open(password, keyFile);
                Show(await store.BackupAsync(options with { Key = secret.Source }, run.Progress, run.Token).ConfigureAwait(false), run);
            });
            return;
        }
        var continuous = new ContinuousBackupOptions { Interval = Interval, LogShippingInterval = LogShippingInterval, MaximumAge = MaximumAge, FullInterval = FullInterval };
        UseOrStart(async (store, run) =>
        {
            using BackupSecret secret = BackupSecret.Open(password, keyFile);
            await foreach (ContinuousBackupEvent told in store.BackupContinuouslyAsync(continuous with { Backup = options with { Key = secret.Source } }, run.Progress, run.Token).ConfigureAwait(false))
            {
                if (told.Run is not null) Show(told.Run, run);
                else run.Error(new MessageStoreException(told.ErrorId, told.ErrorKind, told.Reason, store.Path));
            }
        });
    }

    /// <summary>The result, and an error for each destination that has no copy.</summary>
    private static void Show(BackupRun backup, Run run)
    {
        run.Write(backup);
        foreach (BackupCopy copy in backup.Copies)
            if (!copy.IsComplete) run.Error(new MessageStoreException(copy.ErrorId, ErrorKind.Device, copy.Reason, copy.Path));
        if (backup.Copies.Where(copy => copy.IsComplete).All(copy => copy.IsStream))
            run.Warning($"The backup went into {backup.Path}. Nobody can look whether it arrived: test it where it is, and do not count on BackupAge, which it does not change.");
    }
}
