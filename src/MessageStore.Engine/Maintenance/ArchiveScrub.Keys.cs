using MessageStore.Archiving;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>Keys against archive files, storage nodes and object storage.</summary>
internal sealed partial class ArchiveScrub
{
    private async Task CheckKeysAsync(CancellationToken cancellationToken)
    {
        var pointed = new Dictionary<string, (long Keys, long Living, string Mailbox)>(StringComparer.Ordinal);
        var strays = new Dictionary<string, (long Keys, ArchiveKey First)>(StringComparer.Ordinal);
        var elsewhere = new OtherPlaces(mail, archive, keys, findings, progress);
        foreach (ArchiveKey key in keys.List())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!IsMeant(key.Mailbox)) continue;
            bool isThere = mail.TryFind(key.Id, out _, out IndexEntry entry);
            if (key.Target != files.Name) await elsewhere.CheckAsync(key, cancellationToken).ConfigureAwait(false);
            else
            {
                (long Keys, long Living, string) counted = pointed.GetValueOrDefault(key.Volume);
                pointed[key.Volume] = (counted.Keys + 1, counted.Living + ((isThere ? entry.IsArchived : key.DeletedDate is null) ? 1 : 0), key.Mailbox);
            }
            if (isThere || key.DeletedDate is not null || mail.FailedGroups.Count > 0 || !keys.Find(key.Id).Contains(key) || mail.TryFind(key.Id, out _, out _)) continue;
            string place = PlaceOf(key);
            strays[place] = strays.TryGetValue(place, out (long Keys, ArchiveKey First) known) ? known with { Keys = known.Keys + 1 } : (1, key);
            if (options.Rebuild) keys.RemoveCopies([key]);
        }
        foreach ((string place, (long count, ArchiveKey first)) in strays)
        {
            findings.Add(new ArchiveFinding
            {
                Mailbox = first.Mailbox, File = place, Offset = first.Offset, Id = first.Id, IsRepaired = options.Rebuild,
                Problem = options.Rebuild ? $"{count} keys pointed into this file for messages that do not exist; they were removed." : $"{count} keys point into this file for messages that do not exist; the first is this.",
            });
        }
        elsewhere.Report();
        records += elsewhere.Records;
        bytes += elsewhere.Bytes;
        missing += elsewhere.Missing;
        await CheckVolumesAsync(pointed, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Files that are missing, and files of which not every key was seen to point at a whole record.</summary>
    private async Task CheckVolumesAsync(Dictionary<string, (long Keys, long Living, string Mailbox)> pointed, CancellationToken cancellationToken)
    {
        var suspects = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string volume, (long count, long living, string mailbox)) in pointed)
        {
            if (files.HasVolume(volume))
            {
                if (good.GetValueOrDefault(volume) < count) suspects.Add(volume);
            }
            else if (living > 0)
            {
                missing += living;
                findings.Add(mailbox, files.PathOf(volume), null, living, $"The file is missing; keys of {living} messages point into it.{files.AsideNote(volume)} Bring it back from another copy.");
            }
        }
        if (suspects.Count == 0) return;
        foreach (ArchiveKey key in keys.List().Where(k => k.Target == files.Name && suspects.Contains(k.Volume) && IsMeant(k.Mailbox)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await files.VerifyAsync(key, cancellationToken).ConfigureAwait(false);
            }
            catch (MessageStoreException error)
            {
                // Expired, recalled or deleted while we read?
                if (!keys.Find(key.Id).Contains(key)) continue;
                bool isNeeded = mail.FailedGroups.Count > 0 || (mail.TryFind(key.Id, out _, out IndexEntry entry) && entry.IsArchived);
                if (isNeeded) missing++;
                findings.Add(new ArchiveFinding
                {
                    Mailbox = key.Mailbox, File = files.PathOf(key.Volume), Offset = key.Offset, Id = key.Id, Messages = isNeeded ? 1 : 0, IsHarmless = !isNeeded, Problem = error.Message,
                });
            }
        }
    }

    private string PlaceOf(ArchiveKey key) => key.Target == files.Name ? files.PathOf(key.Volume) : OtherPlaces.NameOf(key);
}
