using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Removes a database's nightly tasks.</summary>
[Cmdlet(VerbsLifecycle.Unregister, "MaintenanceSchedule", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class UnregisterMaintenanceScheduleCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string Database { get; set; } = "";

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public MaintenanceScheduler Scheduler { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [AllowNull]
    public string? User { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, "Remove the maintenance schedule")) return;
        string database = Database;
        MaintenanceScheduler scheduler = Scheduler;
        string? user = string.IsNullOrEmpty(User) ? null : User;
        Execute(database, run => Task.Run(() =>
        {
            if (MaintenanceSchedules.Unregister(database, scheduler, user)) return;
            throw new MessageStoreException(ErrorIds.ScheduleNotFound, ErrorKind.NotFound, $"No schedule is registered for the database '{database}'.", database);
        }, run.Token));
    }
}
