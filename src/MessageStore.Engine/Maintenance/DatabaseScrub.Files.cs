using System.Globalization;
using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Archive files that hold what is no whole record, once everything was done for the messages in them: the whole records go into a file of their own, which everyone's tools read to its end, and
/// the damaged one is set aside (docs/archive.md).
/// </summary>
internal sealed partial class DatabaseScrub
{
    /// <summary>Records in archive files that this run found damaged, by volume.</summary>
    private readonly Dictionary<string, List<ArchiveKey>> brokenRecords = new(StringComparer.Ordinal);

    /// <summary>Those of them for which no good copy was found anywhere.</summary>
    private readonly HashSet<(Guid Id, string Volume, long Offset)> lostRecords = [];

    private void NoteBroken(DamagedRecord record)
    {
        ArchiveKey key = record.Key;
        if (key.Target != FileArchiveTarget.TargetName || key.Unit != (archive.Find(key.Target) as FileArchiveTarget)?.Unit || record.IsFileMissing) return;
        if (!brokenRecords.TryGetValue(key.Volume, out List<ArchiveKey>? known)) brokenRecords.Add(key.Volume, known = []);
        known.Add(key);
        if (record.IsLost) lostRecords.Add((key.Id, key.Volume, key.Offset));
    }

    private void MendFiles(IReadOnlyList<StorageGroup> groups, CancellationToken cancellationToken)
    {
        if (!readsArchive || archive.Find(FileArchiveTarget.TargetName) is not FileArchiveTarget files) return;
        VolumeRewriter rewriter = files.Rewriter();
        var damages = new List<(string Volume, VolumeDamage Damage)>();
        try
        {
            IReadOnlyList<string> volumes = files.ListVolumes();
            for (int i = 0; i < volumes.Count; i++)
            {
                string volume = volumes[i];
                progress?.Report(new RunProgress("Looking for damage", volume, i, volumes.Count));
                try
                {
                    BrokenRecords broken = BrokenIn(volume);
                    if (rewriter.Survey(volume, IsWhole, broken, cancellationToken) is { } damage) damages.Add((volume, damage));

                    bool? IsWhole(ArchivedRecordInfo record)
                    {
                        pace.Wait(record.HeaderLength, cancellationToken);
                        return WasRead(groups, files, volume, record) ? !broken.BeginAt(record.Offset) : null;
                    }
                }
                catch (MessageStoreException error)
                {
                    Report(new DatabaseFinding { Mailbox = ArchivePaths.MailboxFolderOf(volume), File = files.PathOf(volume), Problem = error.Message });
                }
            }
            if (damages.Count == 0) return;
            // As appending, this is the archive agent's.
            using MaintenanceLock turn = MaintenanceLock.Take(mail.Storage, mail.Path, MaintenanceTask.Archive, clock);
            foreach ((string volume, VolumeDamage damage) in damages) Mend(files, rewriter, volume, damage, cancellationToken);
        }
        catch (MessageStoreException error)
        {
            foreach ((string volume, VolumeDamage damage) in damages) Report(Finding(files, volume, damage, $" It was left as it is: {error.Message}"));
            if (damages.Count == 0) Report(new DatabaseFinding { File = mail.ArchivePath, Problem = $"The archive files could not be looked through: {error.Message}" });
        }
    }

    private void Mend(FileArchiveTarget files, VolumeRewriter rewriter, string volume, VolumeDamage damage, CancellationToken cancellationToken)
    {
        progress?.Report(new RunProgress("Mending", volume, 0, 0));
        try
        {
            if (rewriter.TakeOutDamage(volume, BrokenIn(volume), MayStay, files.Tombstones, clock.GetUtcNow(), cancellationToken) is not { } mended) return;
            string lost = mended.Behind == 0 ? "" : string.Create(CultureInfo.InvariantCulture,
                $" {mended.Behind} keys go on pointing at what is lost in it: where {Path.GetFileName(volume)} is brought back from another copy, those messages can be read again.");
            Report(Finding(files, volume, mended.Damage, $" The damaged file is kept as {mended.Aside}; nothing expires in it, so delete it when nobody needs it any more.{lost}") with
            {
                RepairedFrom = mended.Next.Length > 0
                    ? string.Create(CultureInfo.InvariantCulture, $"its {mended.Records} whole records, which are in {files.PathOf(mended.Next)} now")
                    : "newer files of the month, which have all that was whole in it",
            });
        }
        catch (MessageStoreException error)
        {
            Report(Finding(files, volume, damage, $" It was left as it is: {error.Message}"));
        }
    }

    private BrokenRecords BrokenIn(string volume) => new(brokenRecords.GetValueOrDefault(volume) ?? []);

    /// <summary>Whether this run has read a record: one that a key of an archived message points at.</summary>
    private bool WasRead(IReadOnlyList<StorageGroup> groups, FileArchiveTarget files, string volume, ArchivedRecordInfo record) =>
        keys.Find(record.Id).Any(k => k.Target == files.Name && k.Unit == files.Unit && k.Volume == volume && k.Offset == record.Offset && k.Length == record.Length)
        && mail.TryFind(record.Id, out StorageGroup group, out IndexEntry entry) && entry.IsArchived && groups.Contains(group);

    /// <summary>Whether nobody can do more for the message of a lost record, or nobody needs the record.</summary>
    private bool MayStay(ArchiveKey key) =>
        lostRecords.Contains((key.Id, key.Volume, key.Offset)) || (mail.FailedGroups.Count == 0 && !(mail.TryFind(key.Id, out _, out IndexEntry entry) && entry.IsArchived));

    private static DatabaseFinding Finding(FileArchiveTarget files, string volume, VolumeDamage damage, string addition) => new()
    {
        Mailbox = damage.Mailbox, File = files.PathOf(volume), Offset = damage.Offset,
        Problem = string.Create(CultureInfo.InvariantCulture, $"{damage.Length} bytes are no whole record, in {damage.Stretches} {(damage.Stretches == 1 ? "place" : "places")}; zcat and mail programs stop at the first.{addition}"),
    };
}
