using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that is told a whole schedule.</summary>
public abstract class MaintenanceScheduleCommand : StoreCommand
{
    private const string Program = "pwsh";

    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string Database { get; set; } = "";

    [Parameter]
    public TimeSpan? ArchiveAt { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? ArchiveEvery { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? BackupEvery { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? MaximumBackupAge { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? OlderThan { get; set; }

    [Parameter]
    public ReadState ReadState { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? RetainFor { get; set; }

    [Parameter]
    public SwitchParameter SkipExpiry { get; set; }

    [Parameter]
    public BackupCompression BackupCompression { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan Wait { get; set; } = TimeSpan.FromHours(1);

    [Parameter]
    public MaintenanceScheduler Scheduler { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? User { get; set; }

    private protected override bool EndsOnError => MyInvocation.ExpectingInput is false;

    private protected MaintenanceSchedule Schedule() => new()
    {
        Database = Database,
        Scheduler = Scheduler,
        ArchiveAt = ArchiveAt,
        ArchiveEvery = ArchiveEvery,
        BackupEvery = BackupEvery,
        MaximumBackupAge = MaximumBackupAge,
        OlderThan = OlderThan,
        ReadState = ReadState,
        RetainFor = RetainFor,
        SkipExpiry = SkipExpiry,
        BackupCompression = BackupCompression,
        KeyFile = KeyFile,
        Wait = Wait,
        User = User,
        PowerShellPath = PowerShellPath(),
        ModulePath = Path.Combine(MyInvocation.MyCommand.Module.ModuleBase, "MessageStore.psd1"),
    };

    /// <summary>The PowerShell that this is; a host without a program of its own leaves it to the PATH of the task.</summary>
    private string PowerShellPath()
    {
        string program = Path.Combine(GetVariableValue("PSHOME", "").ToString()!, OperatingSystem.IsWindows() ? Program + ".exe" : Program);
        return File.Exists(program) ? program : Program;
    }
}
