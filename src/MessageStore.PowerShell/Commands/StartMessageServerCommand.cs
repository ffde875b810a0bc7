using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Starts a server for a database in the background.</summary>
[Cmdlet(VerbsLifecycle.Start, "MessageServer", SupportsShouldProcess = true)]
[OutputType(typeof(ServerStatus))]
public sealed class StartMessageServerCommand : ServerCommand
{
    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? LogPath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? ConfigurationPath { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan Wait { get; set; } = TimeSpan.FromMinutes(5);

    private protected override string Activity => "Starting server";

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, "Start a server that owns the database")) return;
        var options = new ServerStartOptions { Database = Database, LogPath = LogPath, ConfigurationPath = ConfigurationPath, Wait = Wait };
        Execute(Database, async run => run.Write(await MessageServerControl.StartAsync(options, run.Token).ConfigureAwait(false)));
    }
}
