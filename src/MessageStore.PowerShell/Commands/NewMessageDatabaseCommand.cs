using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>Creates a database.</summary>
[Cmdlet(VerbsCommon.New, "MessageDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(DatabaseStatus))]
public sealed class NewMessageDatabaseCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string Path { get; set; } = "";

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] StorageGroup { get; set; } = ["SG1"];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? StorePath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? LogPath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? BackupPath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? ArchivePath { get; set; }

    [Parameter]
    public SwitchParameter CircularLogging { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Path, "Create message database")) return;
        var options = new MessageDatabaseOptions
        {
            Path = Path,
            StorageGroups = StorageGroup,
            StorePath = StorePath,
            LogPath = LogPath,
            BackupPath = BackupPath,
            ArchivePath = ArchivePath,
            CircularLogging = CircularLogging,
        };
        bool passThru = PassThru;
        Execute(Path, async run =>
        {
            DatabaseStatus status = await MessageDatabase.CreateAsync(options, run.Token).ConfigureAwait(false);
            if (passThru) run.Write(status);
        });
    }
}
