using System.Management.Automation;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Lifts holds; they stay on record.</summary>
[Cmdlet(VerbsCommon.Remove, "MessageHold", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(MessageHold))]
public sealed class RemoveMessageHoldCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    [Parameter]
    public string Reason { get; set; } = "";

    /// <summary>Write the holds as they are on record now.</summary>
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        foreach (Guid id in Id)
        {
            if (!ShouldProcess(id.ToString(), "Lift hold")) continue;
            Use(id, async (store, run) =>
            {
                MessageHold lifted = await store.RemoveHoldAsync(id, Reason, Caller.Name, run.Token).ConfigureAwait(false);
                if (PassThru) run.Write(lifted, store.Path);
            });
        }
    }
}
