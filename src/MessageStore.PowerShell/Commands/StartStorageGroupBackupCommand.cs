using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Backs up storage groups while everybody else goes on.</summary>
[Cmdlet(VerbsLifecycle.Start, "StorageGroupBackup", SupportsShouldProcess = true)]
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

    [Parameter]
    public BackupKind Kind { get; set; }

    [Parameter]
    public BackupPriority Priority { get; set; }

    private protected override string Activity => "Backing up";

    /// <summary>Where another run keeps the database from us, that run is the error.</summary>
    private protected override Task<IMessageStore> OpenAsync(string path, CancellationToken token) =>
        MessageDatabase.OpenForMaintenanceAsync(path, MaintenanceTask.Backup, token);

    protected override void ProcessRecord()
    {
        string groups = StorageGroup.Length == 0 ? "all storage groups" : "storage groups " + string.Join(", ", StorageGroup);
        if (!ShouldProcess(Database, "Back up " + groups)) return;
        var options = new BackupOptions { StorageGroups = StorageGroup, Destinations = Destination, Kind = Kind, Priority = Priority };
        UseOrStart(async (store, run) =>
        {
            BackupRun backup = await store.BackupAsync(options, run.Progress, run.Token).ConfigureAwait(false);
            run.Write(backup);
            foreach (BackupCopy copy in backup.Copies)
                if (!copy.IsComplete) run.Error(new MessageStoreException(copy.ErrorId, ErrorKind.Device, copy.Reason, copy.Path));
        });
    }
}
