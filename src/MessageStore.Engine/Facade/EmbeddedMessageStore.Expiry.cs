using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<ExpiryRun> ExpireAsync(ExpiryOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (options.MinimumDeadShare is not (>= 0 and <= 1))
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"MinimumDeadShare is {options.MinimumDeadShare}; it must be 0 to 1.", options.MinimumDeadShare);
        if (options.KeepDeletedFor < TimeSpan.Zero)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"KeepDeletedFor is {options.KeepDeletedFor}; it must not be negative.", options.KeepDeletedFor);
        using MaintenanceLock turn = MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Archive, database.Clock);
        return await ExpireHeldAsync(options, progress, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ExpiryRun> ExpireHeldAsync(ExpiryOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        if (database.Archive.Find(FileArchiveTarget.TargetName) is not FileArchiveTarget files)
            throw new MessageStoreException(ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"{Path} has no archive files.", Path);
        var agent = new ExpiryAgent(Mail, files, database.Keys, database.Clock);
        try
        {
            ExpiryRun run = await Task.Run(() => agent.RunAsync(options, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (!options.DryRun) new RunRecords(database.Storage, Path).Save("expiry", run.Started, run.Id, run);
            return run;
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "removing what has expired", Mail.ArchivePath);
        }
    }
}
