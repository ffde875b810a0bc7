using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows the storage groups of a database in figures.</summary>
[Cmdlet(VerbsCommon.Get, "StorageGroup")]
[OutputType(typeof(StorageGroupStatus))]
public sealed class GetStorageGroupCommand : DatabaseQueryCommand
{
    [Parameter(Position = 1)]
    [Alias("StorageGroup")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(StorageGroupCompleter))]
    public string[] Name { get; set; } = ["*"];

    protected override void ProcessRecord()
    {
        string[] names = Name;
        Use(Database, async (store, run) =>
        {
            DatabaseStatus status = await store.GetStatusAsync(run.Token).ConfigureAwait(false);
            foreach (string name in names)
            {
                var pattern = new WildcardPattern(name, WildcardOptions.IgnoreCase);
                bool found = WildcardPattern.ContainsWildcardCharacters(name);
                foreach (StorageGroupStatus group in status.StorageGroups.Where(group => pattern.IsMatch(group.Name)))
                {
                    found = true;
                    run.Write(group, store.Path);
                }

                if (!found) run.Error(Missing.StorageGroup(name));
            }
        });
    }
}
