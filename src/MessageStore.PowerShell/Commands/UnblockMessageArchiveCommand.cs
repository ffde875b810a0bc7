using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Opens barred archives again.</summary>
[Cmdlet(VerbsSecurity.Unblock, "MessageArchive", SupportsShouldProcess = true)]
[OutputType(typeof(ArchiveBlock))]
public sealed class UnblockMessageArchiveCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter]
    public string Reason { get; set; } = "";

    protected override void ProcessRecord()
    {
        foreach (string mailbox in Mailbox)
        {
            if (!ShouldProcess(mailbox, "Open the archive")) continue;
            Use(mailbox, async (store, run) =>
            {
                foreach (ArchiveBlock block in await store.UnblockArchiveAsync(mailbox, Reason, Caller.Name, run.Token).ConfigureAwait(false)) run.Write(block, store.Path);
            });
        }
    }
}
