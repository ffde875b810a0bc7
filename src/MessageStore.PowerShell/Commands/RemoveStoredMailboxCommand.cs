using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Deletes mailboxes with all their mail.</summary>
[Cmdlet(VerbsCommon.Remove, "StoredMailbox", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveStoredMailboxCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Mailbox")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Name { get; set; } = [];

    protected override void ProcessRecord()
    {
        foreach (string name in Name)
        {
            foreach (MailboxInfo mailbox in Find(name))
            {
                if (!ShouldProcess(mailbox.Name, $"Remove mailbox with {mailbox.MessageCount} messages")) continue;
                Use(mailbox.Name, (store, run) => store.RemoveMailboxAsync(mailbox.Name, run.Token));
            }
        }
    }

    private List<MailboxInfo> Find(string name)
    {
        List<MailboxInfo> found = [];
        Use(name, async (store, run) =>
        {
            await foreach (MailboxInfo mailbox in store.ListMailboxesAsync(name, run.Token).ConfigureAwait(false)) found.Add(mailbox);
            if (found.Count == 0 && !Missing.IsPattern(name)) throw Missing.Mailbox(name);
        });
        return found;
    }
}
