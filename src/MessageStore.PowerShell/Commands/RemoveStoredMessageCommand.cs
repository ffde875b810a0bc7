using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Deletes messages, hot or archived.</summary>
[Cmdlet(VerbsCommon.Remove, "StoredMessage", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveStoredMessageCommand : MessageCommand
{
    private protected override string Change => "Remove message";

    private protected override async Task<StoredMessage?> ChangeAsync(IMessageStore store, Guid id, CancellationToken token)
    {
        await store.DeleteAsync(id, token).ConfigureAwait(false);
        return null;
    }
}
