using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Stops the server of a database.</summary>
[Cmdlet(VerbsLifecycle.Stop, "MessageServer", SupportsShouldProcess = true)]
[OutputType(typeof(ServerStatus))]
public sealed class StopMessageServerCommand : ServerCommand
{
    [Parameter]
    [ValidateSpan]
    public TimeSpan Wait { get; set; } = TimeSpan.FromMinutes(1);

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override string Activity => "Stopping server";

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, "Stop the server that owns the database")) return;
        string database = Database;
        TimeSpan wait = Wait;
        bool passThru = PassThru;
        Execute(database, async run =>
        {
            await MessageServerControl.StopAsync(database, wait, run.Token).ConfigureAwait(false);
            if (passThru) run.Write(await MessageServerControl.GetAsync(database, run.Token).ConfigureAwait(false));
        });
    }
}
