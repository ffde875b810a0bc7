using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Installs archiving and backups at a scheduler: the server, or the operating system's.</summary>
[Cmdlet(VerbsLifecycle.Register, "MaintenanceSchedule", SupportsShouldProcess = true)]
[OutputType(typeof(MaintenanceScheduleInfo))]
public sealed class RegisterMaintenanceScheduleCommand : MaintenanceScheduleCommand
{
    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, $"Register maintenance ({Words()})")) return;
        MaintenanceSchedule schedule = Schedule();
        bool passThru = PassThru;
        Execute(Database, run => Task.Run(() =>
        {
            MaintenanceScheduleInfo info = MaintenanceSchedules.Register(schedule);
            if (passThru) run.Write(info);
        }, run.Token));
    }

    private string Words() => string.Join(", ", ((string?[])[
        ArchiveAt is { } at ? $"archive daily at {at:hh\\:mm}" : null,
        ArchiveEvery is { } often ? $"archive every {often}" : null,
        BackupEvery is { } every ? $"back up every {every}" : null,
    ]).OfType<string>());
}
