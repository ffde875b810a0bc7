using System.Management.Automation;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Lists holds.</summary>
[Cmdlet(VerbsCommon.Get, "MessageHold")]
[OutputType(typeof(MessageHold))]
public sealed class GetMessageHoldCommand : DatabaseQueryCommand
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    /// <summary>Those that were lifted too.</summary>
    [Parameter]
    public SwitchParameter IncludeLifted { get; set; }

    protected override void ProcessRecord()
    {
        Guid?[] wanted = Id.Length == 0 ? [null] : [.. Id.Select(static id => (Guid?)id)];
        Use(Database, async (store, run) =>
        {
            foreach (Guid? id in wanted)
            {
                bool found = id is null;
                await foreach (MessageHold hold in store.ListHoldsAsync(id, IncludeLifted, run.Token).ConfigureAwait(false))
                {
                    found = true;
                    run.Write(hold, store.Path);
                }

                if (!found) run.Error(new MessageStoreException(ErrorIds.HoldNotFound, ErrorKind.NotFound, $"There is no hold {id}.", id!));
            }
        });
    }
}
