using MessageStore.Archiving;
using MessageStore.Maintenance;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<ArchiveTest> TestArchiveAsync(
        ArchiveTestOptions options, IProgress<RunProgress>? progress = null, IProgress<ArchiveFinding>? found = null, CancellationToken cancellationToken = default)
    {
        if (database.Archive.Find(FileArchiveTarget.TargetName) is not FileArchiveTarget files)
            throw new MessageStoreException(ErrorIds.ArchiveUnavailable, ErrorKind.Device, $"{Path} has no archive files.", Path);
        var scrub = new ArchiveScrub(Mail, files, database.Archive, database.Keys, options, progress, new ArchiveFindings(found));
        return await Task.Run(() => scrub.RunAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
    }
}
