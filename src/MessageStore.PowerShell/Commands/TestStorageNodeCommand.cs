using System.Management.Automation;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Compares what storage nodes hold with the keys of a database.</summary>
[Cmdlet(VerbsDiagnostic.Test, "StorageNode")]
[OutputType(typeof(ReplicaRepairRun), typeof(MessageStoreJob))]
public sealed class TestStorageNodeCommand : CopiesRunCommand
{
    private protected override string Activity => "Testing copies";

    protected override void ProcessRecord() => GoOver(new ReplicaRepairOptions());
}
