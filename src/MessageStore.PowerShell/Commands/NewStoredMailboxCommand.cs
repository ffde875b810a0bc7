using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Creates mailboxes.</summary>
[Cmdlet(VerbsCommon.New, "StoredMailbox", SupportsShouldProcess = true)]
[OutputType(typeof(MailboxInfo))]
public sealed class NewStoredMailboxCommand : DatabaseItemCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Mailbox")]
    [ValidateNotNullOrEmpty]
    public string[] Name { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(StorageGroupCompleter))]
    public string? StorageGroup { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        string? group = StorageGroup;
        bool passThru = PassThru;
        foreach (string name in Name)
        {
            if (!ShouldProcess(name, "Create mailbox")) continue;
            Use(name, async (store, run) =>
            {
                MailboxInfo mailbox = await store.CreateMailboxAsync(name, group, run.Token).ConfigureAwait(false);
                if (passThru) run.Write(mailbox, store.Path);
            });
        }
    }
}
