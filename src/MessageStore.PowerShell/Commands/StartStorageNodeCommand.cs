using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Starts a storage node in the background.</summary>
[Cmdlet(VerbsLifecycle.Start, "StorageNode", SupportsShouldProcess = true)]
[OutputType(typeof(StorageNodeProcess))]
public sealed class StartStorageNodeCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    public string[] Unit { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [DirectoryArgument]
    public string? Directory { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Listen { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? CertificateFile { get; set; }

    [Parameter]
    public Guid? DatabaseId { get; set; }

    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int Group { get; set; }

    [Parameter]
    [ValidateRange(0, ushort.MaxValue)]
    public int Weight { get; set; } = 1;

    [Parameter]
    public SwitchParameter Create { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan Wait { get; set; } = TimeSpan.FromMinutes(5);

    private protected override string Activity => "Starting storage node";

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Name, $"Start a storage node that serves {string.Join(", ", Unit)}")) return;
        var options = new NodeStartOptions
        {
            Name = Name, Units = [.. Unit.Select(u => SessionState.Path.GetUnresolvedProviderPathFromPSPath(u))], Create = Create, KeyFile = KeyFile, Directory = Directory, Listen = Listen,
            CertificateFile = CertificateFile, Database = DatabaseId, Group = Group, Weight = Weight, Wait = Wait,
        };
        Execute(Name, async run => run.Write(await StorageNodeControl.StartAsync(options, run.Token).ConfigureAwait(false)));
    }
}
