using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Takes a storage node's record out of a directory.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "StorageNode", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class UnregisterStorageNodeCommand : NodeDirectoryCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    protected override void ProcessRecord()
    {
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, $"Unregister storage node from {Directory}")) continue;
            Execute(name, async run =>
            {
                if (!await StorageNodes.UnregisterAsync(Directory, name, run.Token).ConfigureAwait(false))
                    throw new MessageStoreException(ErrorIds.NodeNotFound, ErrorKind.NotFound, $"No storage node '{name}' is registered in {Directory}.", name);
            });
        }
    }
}
