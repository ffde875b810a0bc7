using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Stops the storage node that serves a unit.</summary>
[Cmdlet(VerbsLifecycle.Stop, "StorageNode", SupportsShouldProcess = true)]
[OutputType(typeof(StorageNodeProcess))]
public sealed class StopStorageNodeCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Unit { get; set; } = [];

    [Parameter]
    [ValidateSpan]
    public TimeSpan Wait { get; set; } = TimeSpan.FromMinutes(1);

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override string Activity => "Stopping storage node";

    /// <remarks>One unit is enough to find the node: stopping it stops all its units.</remarks>
    protected override void ProcessRecord()
    {
        string unit = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Unit[0]);
        if (!ShouldProcess(unit, "Stop the storage node that serves the unit")) return;
        Execute(unit, async run =>
        {
            StorageNodeProcess stopped = await StorageNodeControl.StopAsync(unit, Wait, run.Token).ConfigureAwait(false);
            if (PassThru) run.Write(stopped);
        });
    }
}
