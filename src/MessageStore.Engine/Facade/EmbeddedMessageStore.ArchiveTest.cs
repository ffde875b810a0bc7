using MessageStore.Archiving;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<ArchiveTest> TestArchiveAsync(ArchiveTestOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (database.Archive.Find(FileArchiveTarget.TargetName) is not FileArchiveTarget files)
            throw new MessageStoreException(ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"{Path} has no archive files.", Path);
        var scrub = new ArchiveScrub(Mail, files, database.Keys, options, progress);
        return await Task.Run(() => scrub.Run(cancellationToken), cancellationToken).ConfigureAwait(false);
    }
}
