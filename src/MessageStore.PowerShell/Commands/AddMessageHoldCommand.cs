using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Keeps messages from being deleted by anybody.</summary>
[Cmdlet(VerbsCommon.Add, "MessageHold", SupportsShouldProcess = true, DefaultParameterSetName = MailboxSet)]
[OutputType(typeof(MessageHold))]
public sealed class AddMessageHoldCommand : DatabaseItemCommand
{
    private const string MailboxSet = "Mailbox";
    private const string IdSet = "Id";

    private readonly List<Guid> ids = [];
    private string held = "";

    [Parameter(Mandatory = true, Position = 1, ParameterSetName = MailboxSet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter(ParameterSetName = MailboxSet)]
    public DateTimeOffset? ReceivedAfter { get; set; }

    [Parameter(ParameterSetName = MailboxSet)]
    public DateTimeOffset? ReceivedBefore { get; set; }

    [Parameter(Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    public Guid[] Id { get; set; } = [];

    [Parameter(Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string Reason { get; set; } = "";

    protected override void ProcessRecord()
    {
        if (ParameterSetName == IdSet)
        {
            // Messages of another database begin another hold.
            if (held != Database) HoldMessages();
            held = Database;
            ids.AddRange(Id);
            return;
        }

        foreach (string mailbox in Mailbox)
        {
            if (ShouldProcess(mailbox, "Hold messages"))
                Add(Database, mailbox, new HoldRequest { Mailbox = mailbox, ReceivedAfter = ReceivedAfter, ReceivedBefore = ReceivedBefore, Reason = Reason, By = Caller.Name });
        }
    }

    protected override void EndProcessing()
    {
        HoldMessages();
        base.EndProcessing();
    }

    /// <summary>All messages that came down the pipeline are one hold: they are lifted together.</summary>
    private void HoldMessages()
    {
        if (ids.Count == 0) return;
        if (ShouldProcess($"{ids.Count} messages", "Hold messages")) Add(held, held, new HoldRequest { Ids = [.. ids], Reason = Reason, By = Caller.Name });
        ids.Clear();
    }

    private void Add(string database, object target, HoldRequest request)
    {
        Database = database;
        Use(target, async (store, run) => run.Write(await store.AddHoldAsync(request, run.Token).ConfigureAwait(false), store.Path));
    }
}
