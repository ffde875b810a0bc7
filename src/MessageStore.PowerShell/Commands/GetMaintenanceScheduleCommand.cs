using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows the schedules that were registered on this machine.</summary>
[Cmdlet(VerbsCommon.Get, "MaintenanceSchedule")]
[OutputType(typeof(MaintenanceScheduleInfo))]
public sealed class GetMaintenanceScheduleCommand : StoreCommand
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string? Database { get; set; }

    [Parameter]
    public MaintenanceScheduler Scheduler { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? User { get; set; }

    protected override void ProcessRecord()
    {
        string? database = Database, user = User;
        MaintenanceScheduler scheduler = Scheduler;
        Execute(database, async run =>
        {
            await foreach (MaintenanceScheduleInfo info in MaintenanceSchedules.ListAsync(database, scheduler, user, run.Token).ConfigureAwait(false)) run.Write(info);
        });
    }
}
