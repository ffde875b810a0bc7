using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Lists the archives of mailboxes.</summary>
[Cmdlet(VerbsCommon.Get, "MessageArchive")]
[OutputType(typeof(ArchiveInfo), typeof(ArchivePolicyInfo))]
public sealed class GetMessageArchiveCommand : DatabaseQueryCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = ["*"];

    /// <summary>Show the archive policies instead.</summary>
    [Parameter]
    public SwitchParameter Policy { get; set; }

    protected override void ProcessRecord()
    {
        if (Policy)
        {
            Use(Database, async (store, run) =>
            {
                await foreach (ArchivePolicyInfo policy in store.ListArchivePoliciesAsync(run.Token).ConfigureAwait(false)) run.Write(policy, store.Path);
            });
            return;
        }

        string[] mailboxes = Mailbox;
        Use(Database, async (store, run) =>
        {
            foreach (string mailbox in mailboxes)
            {
                await foreach (ArchiveInfo archive in store.ListArchivesAsync(mailbox, run.Token).ConfigureAwait(false))
                {
                    run.Write(archive, store.Path);
                }
            }
        });
    }
}
