using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows whether a server owns a database, and which.</summary>
[Cmdlet(VerbsCommon.Get, "MessageServer")]
[OutputType(typeof(ServerStatus))]
public sealed class GetMessageServerCommand : ServerCommand
{
    protected override void ProcessRecord()
    {
        string database = Database;
        Execute(database, async run => run.Write(await MessageServerControl.GetAsync(database, run.Token).ConfigureAwait(false)));
    }
}
