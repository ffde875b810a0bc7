using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Lists mailboxes.</summary>
[Cmdlet(VerbsCommon.Get, "StoredMailbox", SupportsPaging = true)]
[OutputType(typeof(MailboxInfo))]
public sealed class GetStoredMailboxCommand : DatabaseQueryCommand
{
    private Page? page;

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [Alias("Mailbox")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Name { get; set; } = ["*"];

    protected override void ProcessRecord()
    {
        page ??= new Page(PagingParameters);
        string[] names = Name;
        Use(Database, async (store, run) =>
        {
            foreach (string name in names)
            {
                bool found = Missing.IsPattern(name);
                await foreach (MailboxInfo mailbox in store.ListMailboxesAsync(name, run.Token).ConfigureAwait(false))
                {
                    found = true;
                    if (page.IsFull) return;
                    if (page.Take()) run.Write(mailbox, store.Path);
                }

                if (!found) run.Error(Missing.Mailbox(name));
            }
        });
    }

    protected override void EndProcessing()
    {
        page?.WriteTotal(this);
        base.EndProcessing();
    }
}
