using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Exports messages byte for byte, to a folder of .eml files or to an mbox.</summary>
[Cmdlet(VerbsData.Export, "StoredMessage", SupportsShouldProcess = true, DefaultParameterSetName = "Id")]
[OutputType(typeof(ExportResult))]
public sealed class ExportStoredMessageCommand : DatabaseItemCommand
{
    /// <summary>What was asked for, by database: one export each, when the pipeline has ended.</summary>
    private readonly Dictionary<string, List<Guid>> ids = new(StringComparer.Ordinal);

    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "Mailbox")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string Mailbox { get; set; } = "";

    [Parameter(ParameterSetName = "Mailbox")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string? Folder { get; set; }

    /// <summary>Only what is in the archive, or, with <c>-Archived:$false</c>, only what is not.</summary>
    [Parameter(ParameterSetName = "Mailbox")]
    public SwitchParameter Archived { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "Id", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    [Parameter(Mandatory = true, Position = 2)]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string Path { get; set; } = "";

    [Parameter]
    public ExportFormat Format { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override string Activity => "Exporting mail";

    protected override void ProcessRecord()
    {
        if (ParameterSetName == "Mailbox")
        {
            bool? archived = MyInvocation.BoundParameters.ContainsKey(nameof(Archived)) ? Archived.ToBool() : null;
            Export(new MessageQuery { Mailbox = Mailbox, Folder = Folder, IsArchived = archived }, $"Export mailbox '{Mailbox}'");
            return;
        }

        if (!ids.TryGetValue(Database, out List<Guid>? wanted)) ids[Database] = wanted = [];
        wanted.AddRange(Id);
    }

    protected override void EndProcessing()
    {
        foreach ((string database, List<Guid> wanted) in ids)
        {
            Database = database;
            Export(new MessageQuery { Ids = wanted }, $"Export {wanted.Count} messages");
        }

        base.EndProcessing();
    }

    private void Export(MessageQuery query, string action)
    {
        if (!ShouldProcess(Path, action)) return;
        var options = new ExportOptions { Path = Path, Format = Format, Force = Force };
        Use(Path, async (store, run) =>
        {
            ExportResult result = await MessageExporter.ExportAsync(store, query, options, failed: error => run.Error(error), progress: run.Progress, cancellationToken: run.Token).ConfigureAwait(false);
            run.Write(result);
        });
    }
}
