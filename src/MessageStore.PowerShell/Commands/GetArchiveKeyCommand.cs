using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Shows where the copies of archived messages lie.</summary>
[Cmdlet(VerbsCommon.Get, "ArchiveKey", SupportsPaging = true)]
[OutputType(typeof(ArchiveKey))]
public sealed class GetArchiveKeyCommand : DatabaseQueryCommand
{
    private Page? page;

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string? Mailbox { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Unit { get; set; }

    [Parameter]
    public DateTimeOffset? DueBefore { get; set; }

    protected override void ProcessRecord()
    {
        page ??= new Page(PagingParameters);
        (string? mailbox, string? unit, DateTimeOffset? due) = (Mailbox, Unit, DueBefore);
        Guid?[] wanted = Id.Length == 0 ? [null] : [.. Id.Select(static id => (Guid?)id)];
        Use(Database, async (store, run) =>
        {
            foreach (Guid? id in wanted)
            {
                await foreach (ArchiveKey key in store.ListKeysAsync(id, mailbox, unit, due, run.Token).ConfigureAwait(false))
                {
                    if (page.IsFull) return;
                    if (page.Take()) run.Write(key, store.Path);
                }
            }
        });
    }

    protected override void EndProcessing()
    {
        page?.WriteTotal(this);
        base.EndProcessing();
    }
}
