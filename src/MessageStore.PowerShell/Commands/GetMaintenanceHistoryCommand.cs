using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows the scheduler's decisions, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "MaintenanceHistory", SupportsPaging = true)]
[OutputType(typeof(MaintenanceRecord))]
public sealed class GetMaintenanceHistoryCommand : DatabaseQueryCommand
{
    private Page? page;

    [Parameter]
    public MaintenanceTask? Task { get; set; }

    [Parameter]
    public DateTimeOffset? After { get; set; }

    protected override void ProcessRecord()
    {
        page ??= new Page(PagingParameters);
        MaintenanceTask? task = Task;
        DateTimeOffset after = After ?? DateTimeOffset.MinValue;
        Use(Database, async (store, run) =>
        {
            await foreach (MaintenanceRecord record in store.ListHistoryAsync(run.Token).ConfigureAwait(false))
            {
                if (page.IsFull) return;
                bool wanted = record.Time > after && (task is null || record.Task == task);
                if (wanted && page.Take()) run.Write(record, store.Path);
            }
        });
    }

    protected override void EndProcessing()
    {
        page?.WriteTotal(this);
        base.EndProcessing();
    }
}
