using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Lists messages, hot and archived.</summary>
[Cmdlet(VerbsCommon.Get, "StoredMessage", SupportsPaging = true)]
[OutputType(typeof(StoredMessage))]
public sealed class GetStoredMessageCommand : DatabaseQueryCommand
{
    private Page? page;

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string? Folder { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    [Parameter]
    public DateTimeOffset? ReceivedAfter { get; set; }

    [Parameter]
    public DateTimeOffset? ReceivedBefore { get; set; }

    [Parameter]
    [SupportsWildcards]
    public string? From { get; set; }

    [Parameter]
    [SupportsWildcards]
    public string? Subject { get; set; }

    [Parameter]
    public ReadState ReadState { get; set; }

    [Parameter]
    public SwitchParameter Archived { get; set; }

    protected override void ProcessRecord()
    {
        page ??= new Page(PagingParameters);
        MessageQuery[] queries = [.. Queries()];
        Use(Database, async (store, run) =>
        {
            foreach (MessageQuery query in queries)
            {
                bool found = false;
                await foreach (StoredMessage message in store.ListAsync(query, run.Token).ConfigureAwait(false))
                {
                    found = true;
                    if (page.IsFull) return;
                    if (page.Take()) run.Write(message, store.Path);
                }

                if (!found && query.Ids.Count > 0) run.Error(Missing.Message(query.Ids[0]));
                if (!found && query.Ids.Count == 0) await RequireMailboxAsync(store, query.Mailbox, run).ConfigureAwait(false);
            }
        });
    }

    protected override void EndProcessing()
    {
        page?.WriteTotal(this);
        base.EndProcessing();
    }

    /// <summary>One query for each mailbox and identity asked for, so that one which is not there can be named.</summary>
    private IEnumerable<MessageQuery> Queries() =>
        from mailbox in Mailbox.Length == 0 ? [null] : Mailbox.AsEnumerable<string?>()
        from id in Id.Length == 0 ? [null] : Id.Select(static id => (Guid?)id)
        select new MessageQuery
        {
            Ids = id is { } one ? [one] : [],
            Mailbox = mailbox,
            Folder = Folder,
            ReceivedAfter = ReceivedAfter,
            ReceivedBefore = ReceivedBefore,
            From = From,
            Subject = Subject,
            IsRead = ReadState == ReadState.Any ? null : ReadState == ReadState.Read,
            IsArchived = Archived.IsPresent || MyInvocation.BoundParameters.ContainsKey(nameof(Archived)) ? Archived.ToBool() : null,
        };

    private static async Task RequireMailboxAsync(IMessageStore store, string? mailbox, Hosting.Run run)
    {
        if (mailbox is null || Missing.IsPattern(mailbox)) return;
        await foreach (MailboxInfo _ in store.ListMailboxesAsync(mailbox, run.Token).ConfigureAwait(false)) return;
        run.Error(Missing.Mailbox(mailbox));
    }
}
