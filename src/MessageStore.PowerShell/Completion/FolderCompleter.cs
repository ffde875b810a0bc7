namespace MessageStore.PowerShell.Completion;

/// <summary>Completes folder names: those of the mailboxes on the command line, or of all.</summary>
public sealed class FolderCompleter : StoreCompleter
{
    private protected override async Task<List<string>> ReadAsync(IMessageStore store, string? mailbox, CancellationToken token)
    {
        SortedSet<string> names = new(StringComparer.OrdinalIgnoreCase);
        await foreach (MailboxInfo info in store.ListMailboxesAsync(mailbox, token).ConfigureAwait(false))
        {
            names.UnionWith(info.Folders.Select(static folder => folder.Name));
        }

        return [.. names];
    }
}
