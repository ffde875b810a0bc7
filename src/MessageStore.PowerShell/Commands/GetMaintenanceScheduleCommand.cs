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
        Execute(database, run => Task.Run(() =>
        {
            foreach (MaintenanceScheduleInfo info in MaintenanceSchedules.List(scheduler, user))
            {
                run.Token.ThrowIfCancellationRequested();
                if (database is null || info.Database == database) run.Write(info);
            }
        }, run.Token));
    }
}
