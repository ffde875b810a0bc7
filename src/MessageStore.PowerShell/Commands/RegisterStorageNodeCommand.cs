using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Enters a storage node in a directory.</summary>
[Cmdlet(VerbsLifecycle.Register, "StorageNode", SupportsShouldProcess = true)]
[OutputType(typeof(StorageServerRecord))]
public sealed class RegisterStorageNodeCommand : NodeDirectoryCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Url { get; set; } = "";

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] Unit { get; set; } = ["u1"];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, ushort.MaxValue)]
    public int Group { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateRange(0, ushort.MaxValue)]
    public int Weight { get; set; } = 1;

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Name, $"Register storage node in {Directory}")) return;
        var record = new StorageServerRecord { Name = Name, Url = Url, Group = Group, Weight = Weight, Units = [.. Unit.Select(u => new StorageUnitRecord { Name = u })] };
        Execute(Name, async run =>
        {
            await StorageNodes.RegisterAsync(Directory, record, run.Token).ConfigureAwait(false);
            if (PassThru) run.Write(record);
        });
    }
}
