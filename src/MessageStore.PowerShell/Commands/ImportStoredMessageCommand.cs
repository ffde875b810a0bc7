using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Imports files of mail.</summary>
[Cmdlet(VerbsData.Import, "StoredMessage", SupportsShouldProcess = true, DefaultParameterSetName = "Path")]
[OutputType(typeof(ImportResult), typeof(StoredMessage))]
public sealed class ImportStoredMessageCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string Mailbox { get; set; } = "";

    [Parameter(Mandatory = true, Position = 2, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[] Path { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string? Folder { get; set; }

    [Parameter]
    public SwitchParameter RequireMailbox { get; set; }

    [Parameter]
    public SwitchParameter Journal { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override string Activity => "Importing mail";

    protected override void ProcessRecord()
    {
        var options = new ImportOptions { Mailbox = Mailbox, Folder = Folder, RequireMailbox = RequireMailbox, Journal = Journal };
        bool passThru = PassThru;
        bool literal = ParameterSetName == "LiteralPath";
        foreach (string path in Expand(literal ? LiteralPath : Path, literal))
        {
            if (!ShouldProcess(path, $"Import into mailbox '{Mailbox}'")) continue;
            Use(path, async (store, run) =>
            {
                ImportResult result = await MessageImporter.ImportAsync(
                    store,
                    path,
                    options,
                    passThru ? message => run.Write(message, store.Path) : null,
                    error => run.Error(error, path),
                    run.Progress,
                    run.Token).ConfigureAwait(false);
                if (!passThru) run.Write(result);
            });
        }
    }
}
