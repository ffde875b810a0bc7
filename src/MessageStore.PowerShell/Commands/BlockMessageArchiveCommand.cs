using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Bars the archives of mailboxes.</summary>
[Cmdlet(VerbsSecurity.Block, "MessageArchive", SupportsShouldProcess = true)]
[OutputType(typeof(ArchiveBlock))]
public sealed class BlockMessageArchiveCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter(Mandatory = true)]
    [ValidateNotNullOrEmpty]
    public string Reason { get; set; } = "";

    protected override void ProcessRecord()
    {
        foreach (string mailbox in Mailbox)
        {
            if (!ShouldProcess(mailbox, "Bar the archive")) continue;
            Use(mailbox, async (store, run) =>
                run.Write(await store.BlockArchiveAsync(mailbox, Reason, Caller.Name, run.Token).ConfigureAwait(false), store.Path));
        }
    }
}
