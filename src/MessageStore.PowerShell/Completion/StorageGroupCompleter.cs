namespace MessageStore.PowerShell.Completion;

/// <summary>Completes storage group names.</summary>
public sealed class StorageGroupCompleter : StoreCompleter
{
    private protected override async Task<List<string>> ReadAsync(IMessageStore store, string? mailbox, CancellationToken token)
    {
        DatabaseStatus status = await store.GetStatusAsync(token).ConfigureAwait(false);
        return [.. status.StorageGroups.Select(static group => group.Name)];
    }
}
