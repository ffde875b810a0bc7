using System.Management.Automation;
using System.Security;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Archives, removes what has expired, and backs up, in turn, never two at once.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "MessageMaintenance", SupportsShouldProcess = true)]
[OutputType(typeof(MaintenanceRecord), typeof(MessageStoreJob))]
public sealed class InvokeMessageMaintenanceCommand : ArchiveRunCommand
{
    [Parameter]
    public MaintenanceTask? Task { get; set; }

    [Parameter]
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
    public BackupCompression BackupCompression { get; set; }

    [Parameter]
    public SecureString? EncryptionKey { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter]
    public SwitchParameter SkipExpiry { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan ArchiveInterval { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan BackupInterval { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Cycles { get; set; } = 1;

    [Parameter]
    [ValidateSpan]
    public TimeSpan Wait { get; set; }

    private protected override string Activity => "Maintaining";

    protected override void ProcessRecord()
    {
        string archive = HasCriterion ? "Archive messages" : "Archive by policy, where one is set";
        string expiry = SkipExpiry ? "" : ", remove what has expired";
        string action = Task switch
        {
            MaintenanceTask.Archive => $"{archive}{expiry}",
            MaintenanceTask.Backup => "Back up",
            _ => $"{archive}{expiry}, then back up",
        };
        if (!ShouldProcess(Database, action)) return;
        var options = new MaintenanceOptions
        {
            Task = Task,
            Archive = HasCriterion ? ArchiveOptions(dryRun: false) : null,
            SkipExpiry = SkipExpiry,
            Backup = new BackupOptions { StorageGroups = StorageGroup, Destinations = Destination, Kind = Kind, Compression = BackupCompression },
            ArchiveInterval = ArchiveInterval,
            BackupInterval = BackupInterval,
            Cycles = Cycles,
            Wait = Wait,
        };
        (SecureString? password, string? keyFile) = (EncryptionKey, KeyFile);
        UseOrStart(async (store, run) =>
        {
            using BackupSecret secret = BackupSecret.Open(password, keyFile);
            await MaintainAsync(store, options with { Backup = options.Backup with { Key = secret.Source } }, run).ConfigureAwait(false);
        });
    }

    private static async System.Threading.Tasks.Task MaintainAsync(IMessageStore store, MaintenanceOptions options, Run run)
    {
        await foreach (MaintenanceRecord record in store.MaintainAsync(options, run.Progress, run.Token).ConfigureAwait(false))
        {
            run.Write(record, store.Path);
            if (record.Decision == MaintenanceDecision.Failed) run.Error(Failure(record, store.Path));
            foreach (ExpiryReceipt receipt in record.Expiry?.Receipts.Where(static receipt => receipt.Failed > 0) ?? [])
            {
                run.Error(RemoveExpiredMessageCommand.Failure(receipt));
            }
            if (record.Result is not ArchiveRun archived) continue;
            foreach (ArchiveReceipt receipt in archived.Receipts.Where(static receipt => receipt.Failed > 0))
            {
                run.Error(StartMessageArchiveCommand.Failure(receipt));
            }
        }
    }

    private static MessageStoreException Failure(MaintenanceRecord record, string database) => new(
        record.Task == MaintenanceTask.Archive ? ErrorIds.ArchiveFailed : ErrorIds.BackupFailed,
        ErrorKind.Device,
        $"{record.Task} of '{database}' failed: {record.Reason}",
        database);
}
