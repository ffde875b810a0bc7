using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows what a directory says of storage nodes.</summary>
[Cmdlet(VerbsCommon.Get, "StorageNodeRecord")]
[OutputType(typeof(StorageServerRecord))]
public sealed class GetStorageNodeRecordCommand : NodeDirectoryCommand
{
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    protected override void ProcessRecord() => Execute(Directory, async run =>
    {
        IReadOnlyList<StorageServerRecord> records = await StorageNodes.ListAsync(Directory, run.Token).ConfigureAwait(false);
        foreach (StorageServerRecord record in records.Where(r => Name.Length == 0 || Name.Contains(r.Name, StringComparer.OrdinalIgnoreCase))) run.Write(record);
        foreach (string missing in Name.Where(n => !records.Any(r => r.Name.Equals(n, StringComparison.OrdinalIgnoreCase))))
            run.Error(new MessageStoreException(ErrorIds.NodeNotFound, ErrorKind.NotFound, $"No storage node '{missing}' is registered in {Directory}.", missing));
    });
}
