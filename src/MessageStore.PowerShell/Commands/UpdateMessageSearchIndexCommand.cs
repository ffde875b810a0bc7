using System.Globalization;
using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Brings the search index up to date, or makes it anew.</summary>
[Cmdlet(VerbsData.Update, "MessageSearchIndex", SupportsShouldProcess = true)]
[OutputType(typeof(SearchIndexStatus), typeof(MessageStoreJob))]
public sealed class UpdateMessageSearchIndexCommand : DatabaseRunCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(StorageGroupCompleter))]
    public string[] StorageGroup { get; set; } = [];

    [Parameter]
    public SwitchParameter Rebuild { get; set; }

    private protected override string Activity => "Indexing";

    protected override void ProcessRecord()
    {
        string groups = StorageGroup.Length == 0 ? "all storage groups" : "storage groups " + string.Join(", ", StorageGroup);
        if (!ShouldProcess(Database, $"{(Rebuild ? "Make anew" : "Bring up to date")} the search index of {groups}")) return;
        var options = new SearchIndexOptions { StorageGroups = StorageGroup, Rebuild = Rebuild };
        UseOrStart(async (store, run) =>
        {
            await foreach (SearchIndexStatus status in store.UpdateSearchIndexAsync(options, run.Progress, run.Token).ConfigureAwait(false))
            {
                run.Write(status, store.Path);
                if (status.UnreadableCount > 0) run.Error(Unreadable(status, store.Path), status.StorageGroup);
            }
        });
    }

    private static MessageStoreException Unreadable(SearchIndexStatus status, string database) => new(ErrorIds.SearchIndexIncomplete, ErrorKind.Damaged,
        string.Create(CultureInfo.InvariantCulture, $"{status.UnreadableCount} messages of storage group {status.StorageGroup} in {database} could not be read and are not indexed, the last of them because of {status.Reason}"),
        status.StorageGroup);
}
