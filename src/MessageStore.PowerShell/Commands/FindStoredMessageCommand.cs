using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Finds messages by their words, hot and archived, newest first.</summary>
[Cmdlet(VerbsCommon.Find, "StoredMessage", SupportsPaging = true)]
[OutputType(typeof(StoredMessage))]
public sealed class FindStoredMessageCommand : DatabaseQueryCommand
{
    private Page? page;

    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Query { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string? Mailbox { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string? Folder { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? From { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? To { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Subject { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Text { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Attachment { get; set; }

    [Parameter]
    [Alias("After")]
    public DateTimeOffset? ReceivedAfter { get; set; }

    [Parameter]
    [Alias("Before")]
    public DateTimeOffset? ReceivedBefore { get; set; }

    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? LargerThan { get; set; }

    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? SmallerThan { get; set; }

    [Parameter]
    public ReadState ReadState { get; set; }

    [Parameter]
    public SwitchParameter Archived { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan MaximumWait { get; set; } = TimeSpan.FromSeconds(30);

    protected override void ProcessRecord()
    {
        page ??= new Page(PagingParameters);
        if (page.IsFull) return;
        var search = new MessageSearch
        {
            Query = Query,
            Mailbox = Mailbox,
            Folder = Folder,
            From = From,
            To = To,
            Subject = Subject,
            Text = Text,
            Attachment = Attachment,
            ReceivedAfter = ReceivedAfter,
            ReceivedBefore = ReceivedBefore,
            LargerThan = LargerThan,
            SmallerThan = SmallerThan,
            IsRead = ReadState == ReadState.Any ? null : ReadState == ReadState.Read,
            IsArchived = MyInvocation.BoundParameters.ContainsKey(nameof(Archived)) ? Archived.ToBool() : null,
            MaximumWait = MaximumWait,
        };
        Use(Mailbox, async (store, run) =>
        {
            await foreach (StoredMessage message in store.FindAsync(search, new Notices(run), run.Token).ConfigureAwait(false))
            {
                if (page.IsFull) return;
                if (page.Take()) run.Write(message, store.Path);
            }
        });
    }

    protected override void EndProcessing()
    {
        page?.WriteTotal(this);
        base.EndProcessing();
    }

    /// <summary>Shows what the search has to say beside its hits.</summary>
    private sealed class Notices(Run run) : IProgress<SearchNotice>
    {
        public void Report(SearchNotice value) => run.Warning((value.MayMissHits ? "Hits may be missing. " : "") + value.Message);
    }
}
