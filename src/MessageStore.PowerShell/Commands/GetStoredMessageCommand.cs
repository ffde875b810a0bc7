using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

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
                if (page.IsFull) return;
                try
                {
                    await ListAsync(store, query, page, run).ConfigureAwait(false);
                }
                catch (MessageStoreException error)
                {
                    run.Error(error, query.Mailbox);
                }
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

    private static async Task ListAsync(IMessageStore store, MessageQuery query, Page page, Run run)
    {
        bool found = false;
        await foreach (StoredMessage message in store.ListAsync(query, run.Token).ConfigureAwait(false))
        {
            found = true;
            if (page.IsFull) return;
            if (page.Take()) run.Write(message, store.Path);
        }

        if (!found && query.Ids.Count > 0) throw Missing.Message(query.Ids[0]);
    }
}
