using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Changes what is done in mailboxes by itself.</summary>
[Cmdlet(VerbsCommon.Set, "StoredMailbox", SupportsShouldProcess = true)]
[OutputType(typeof(ArchivePolicyInfo))]
public sealed class SetStoredMailboxCommand : ArchivePolicyCommand
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
            foreach (string mailbox in Find(name))
            {
                if (!ShouldProcess(mailbox, Change)) continue;
                Use(mailbox, async (store, run) =>
                {
                    ArchivePolicyInfo? now = await store.SetArchivePolicyAsync(mailbox, Policy, Caller.Name, run.Token).ConfigureAwait(false);
                    if (PassThru && now is not null) run.Write(now, store.Path);
                });
            }
        }
    }

    private List<string> Find(string name)
    {
        List<string> found = [];
        Use(name, async (store, run) =>
        {
            await foreach (MailboxInfo mailbox in store.ListMailboxesAsync(name, run.Token).ConfigureAwait(false)) found.Add(mailbox.Name);
            if (found.Count == 0 && !Missing.IsPattern(name)) throw Missing.Mailbox(name);
        });
        return found;
    }
}
