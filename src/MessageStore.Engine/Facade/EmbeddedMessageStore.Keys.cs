using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<KeyMove> MoveKeysAsync(KeyMoveOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using MaintenanceLock turn = MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Archive, database.Clock);
        return await Task.Run(() => database.MoveKeys(options, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
    }
}
