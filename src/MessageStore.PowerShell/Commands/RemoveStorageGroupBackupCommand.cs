using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Removes backups by count or age; never one that another stands on, and never the last good one.</summary>
[Cmdlet(VerbsCommon.Remove, "StorageGroupBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(BackupRetention))]
public sealed class RemoveStorageGroupBackupCommand : DatabaseQueryCommand
{
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? BackupPath { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Keep { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan OlderThan { get; set; }

    protected override void ProcessRecord()
    {
        var options = new BackupRetentionOptions
        {
            Path = BackupPath,
            Keep = MyInvocation.BoundParameters.ContainsKey(nameof(Keep)) ? Keep : null,
            OlderThan = MyInvocation.BoundParameters.ContainsKey(nameof(OlderThan)) ? OlderThan : null,
        };
        var confirmed = new List<Guid>();
        foreach (BackupRetention due in Run(options with { DryRun = true }))
        {
            if (due.Decision == BackupRetentionDecision.Kept) WriteVerbose($"{due.Path} stays: {due.Reason}.");
            else if (ShouldProcess(due.Path, $"Remove backup of {due.Started:u}, {due.Reason}")) confirmed.Add(due.Id);
        }
        if (confirmed.Count == 0) return;
        foreach (BackupRetention done in Run(options with { Ids = confirmed }))
        {
            WriteObject(done);
            if (done.Decision != BackupRetentionDecision.Removed)
                WriteError(ErrorRecords.From(new MessageStoreException(ErrorIds.BackupNotRemoved, ErrorKind.Device, $"Backup {done.Path} was not removed: {done.Reason}", done.Path), done.Path));
        }
    }

    private List<BackupRetention> Run(BackupRetentionOptions options)
    {
        var found = new List<BackupRetention>();
        Use(Database, async (store, run) =>
        {
            await foreach (BackupRetention one in store.RemoveBackupsAsync(options, run.Token).ConfigureAwait(false)) found.Add(one);
        });
        return found;
    }
}
