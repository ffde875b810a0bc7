namespace MessageStore.PowerShell.Completion;

/// <summary>Completes mailbox names.</summary>
public sealed class MailboxCompleter : StoreCompleter
{
    private protected override async Task<List<string>> ReadAsync(IMessageStore store, string? mailbox, CancellationToken token)
    {
        List<string> names = [];
        await foreach (MailboxInfo info in store.ListMailboxesAsync(null, token).ConfigureAwait(false)) names.Add(info.Name);
        return names;
    }
}
