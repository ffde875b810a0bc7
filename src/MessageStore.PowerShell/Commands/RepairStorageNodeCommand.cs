using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Brings missing copies back, deletes what is due and erases what no key names.</summary>
[Cmdlet(VerbsDiagnostic.Repair, "StorageNode", SupportsShouldProcess = true)]
[OutputType(typeof(ReplicaRepairRun), typeof(MessageStoreJob))]
public sealed class RepairStorageNodeCommand : CopiesRunCommand
{
    [Parameter]
    [ValidateSpan]
    public TimeSpan OrphanGrace { get; set; } = new ReplicaRepairOptions().OrphanGrace;

    private protected override string Activity => "Repairing copies";

    /// <remarks>-WhatIf tests, and says what has too few copies without touching it.</remarks>
    protected override void ProcessRecord() =>
        GoOver(new ReplicaRepairOptions { Repair = ShouldProcess(Database, "Bring missing copies back and erase records without key"), OrphanGrace = OrphanGrace });
}
