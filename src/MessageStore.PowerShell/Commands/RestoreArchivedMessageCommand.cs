using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Formatting;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Brings archived messages back into the store.</summary>
[Cmdlet(VerbsData.Restore, "ArchivedMessage", SupportsShouldProcess = true, DefaultParameterSetName = QuerySet)]
[OutputType(typeof(StoredMessage))]
public sealed class RestoreArchivedMessageCommand : DatabaseItemCommand
{
    private const string QuerySet = "Query";
    private const string IdSet = "Id";

    [Parameter(Mandatory = true, Position = 1, ParameterSetName = QuerySet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter(ParameterSetName = QuerySet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string? Folder { get; set; }

    [Parameter(ParameterSetName = QuerySet)]
    public DateTimeOffset? ReceivedAfter { get; set; }

    [Parameter(ParameterSetName = QuerySet)]
    public DateTimeOffset? ReceivedBefore { get; set; }

    [Parameter(Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    public Guid[] Id { get; set; } = [];

    private protected override string Activity => "Bringing messages back";

    protected override void ProcessRecord()
    {
        if (ParameterSetName == IdSet)
        {
            Guid[] wanted = [.. Id.Where(id => ShouldProcess(id.ToString(), "Bring message back from the archive"))];
            if (wanted.Length > 0) Recall(wanted.Length == 1 ? wanted[0] : Database, new MessageQuery { Ids = wanted });
            return;
        }

        foreach (string pattern in Mailbox)
        {
            foreach ((string mailbox, (long count, long bytes)) in Count(pattern))
            {
                if (ShouldProcess(mailbox, $"Bring {count} messages ({HumanText.Size(bytes)}) back from the archive")) Recall(mailbox, Query(mailbox));
            }
        }
    }

    private MessageQuery Query(string mailbox) =>
        new() { Mailbox = mailbox, Folder = Folder, ReceivedAfter = ReceivedAfter, ReceivedBefore = ReceivedBefore, IsArchived = true };

    /// <summary>What there is to bring back, by mailbox.</summary>
    private SortedDictionary<string, (long Count, long Bytes)> Count(string pattern)
    {
        SortedDictionary<string, (long Count, long Bytes)> found = [];
        Use(pattern, async (store, run) =>
        {
            await foreach (StoredMessage message in store.ListAsync(Query(pattern), run.Token).ConfigureAwait(false))
            {
                (long count, long bytes) = found.GetValueOrDefault(message.Mailbox);
                found[message.Mailbox] = (count + 1, bytes + message.Size);
            }
        });
        return found;
    }

    private void Recall(object target, MessageQuery query) => Use(target, async (store, run) =>
    {
        await foreach (MessageRecall recall in store.RecallAsync(query, run.Progress, run.Token).ConfigureAwait(false))
        {
            if (recall.Message is { } message) run.Write(message, store.Path);
            else run.Error(new MessageStoreException(recall.ErrorId, KindOf(recall.ErrorId), recall.Reason, recall.Id));
        }
    });

    private static ErrorKind KindOf(string errorId) => errorId switch
    {
        ErrorIds.MessageNotFound => ErrorKind.NotFound,
        ErrorIds.ArchiveAccessDenied => ErrorKind.Denied,
        ErrorIds.ArchiveDamaged or ErrorIds.ArchiveFileMissing or ErrorIds.ArchiveKeyMissing => ErrorKind.Damaged,
        _ => ErrorKind.Device,
    };
}
