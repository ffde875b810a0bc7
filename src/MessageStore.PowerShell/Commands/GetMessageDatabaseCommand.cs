using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows databases in figures.</summary>
[Cmdlet(VerbsCommon.Get, "MessageDatabase", DefaultParameterSetName = "Path")]
[OutputType(typeof(DatabaseStatus))]
public sealed class GetMessageDatabaseCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Database")]
    [ValidateNotNullOrEmpty]
    [DatabasePattern]
    public string[] Path { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    protected override void ProcessRecord()
    {
        bool literal = ParameterSetName == "LiteralPath";
        foreach (string path in Expand(literal ? LiteralPath : Path, literal))
        {
            Execute(path, async run =>
            {
                IMessageStore store = await MessageDatabase.OpenAsync(path, run.Token).ConfigureAwait(false);
                await using (store.ConfigureAwait(false))
                {
                    DatabaseStatus status = await store.GetStatusAsync(run.Token).ConfigureAwait(false);
                    run.Write(status);
                    if (status.UnderReplicatedCount > 0) run.Warning($"{status.UnderReplicatedCount} archived messages have too few copies on storage nodes, as of {status.CopiesTested:u}. Mend them with Repair-StorageNode.");
                    foreach (StorageGroupStatus group in status.StorageGroups.Where(g => g.Reason.Length > 0)) run.Warning($"Storage group {group.Name} is {group.State}: {group.Reason}");
                    foreach (StorageGroupStatus group in status.StorageGroups.Where(g => g.Warning.Length > 0)) run.Warning($"Storage group {group.Name}: {group.Warning}");
                }
            });
        }
    }
}
