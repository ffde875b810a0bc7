using System.Management.Automation;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Moves messages to another folder of their mailbox.</summary>
[Cmdlet(VerbsCommon.Move, "StoredMessage", SupportsShouldProcess = true)]
[OutputType(typeof(StoredMessage))]
public sealed class MoveStoredMessageCommand : MessageCommand
{
    [Parameter(Mandatory = true, Position = 2)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string Folder { get; set; } = "";

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override bool Shows => PassThru;

    private protected override string Change => $"Move message to folder '{Folder}'";

    private protected override async Task<StoredMessage?> ChangeAsync(IMessageStore store, Guid id, CancellationToken token) =>
        await store.MoveAsync(id, Folder, token).ConfigureAwait(false);
}
