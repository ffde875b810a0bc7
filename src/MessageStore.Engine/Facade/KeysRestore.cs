using System.Globalization;
using MessageStore.Archiving;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>
/// Gives a restored database its keys: from the backup's image, then, for messages archived after it, from the lost database's own key manager where it survived,
/// then from the archive files themselves, which hold all that a key says. Where the keys were on a server, its keys take the place of the image's, which are older; the restored
/// database keeps them in its own folder all the same, so that it and the original never change the same keys.
/// </summary>
internal sealed class KeysRestore(IStorage storage, TimeProvider clock)
{
    public IReadOnlyList<string> Run(string keysFolder, string? keysImage, OriginalKeys original, DatabaseSettings settings, string databasePath, IReadOnlyList<StorageGroup> groups)
    {
        var warnings = new List<string>();
        if (original.Server is not null && storage.FolderExists(keysFolder)) // of an interrupted move: it does not count
            storage.RenameFolder(keysFolder, keysFolder + clock.GetUtcNow().UtcDateTime.ToString("'.before-move-'yyyyMMddHHmmssfff", CultureInfo.InvariantCulture));
        if (!storage.FolderExists(keysFolder) || storage.ListFiles(keysFolder).Count == 0) LayOut(keysFolder, keysImage, warnings);
        using JournalKeyManager keys = JournalKeyManager.Open(storage, keysFolder, clock);
        if (original.Server is { } server) TakeFromServer(server, settings.DatabaseId, keys, warnings);
        Complete(keys, keysFolder, original.Folder, settings, databasePath, groups, warnings);
        if (settings.StorageGroups.All(s => groups.Any(g => g.Name == s.Name))) ForgetLeftovers(keys, groups, new ArchiveVolumes(storage, DatabaseSettings.Resolve(databasePath, settings.ArchivePath)));
        return warnings;
    }

    /// <summary>The same for groups of a database that is open, whose key manager serves the others meanwhile.</summary>
    public IReadOnlyList<string> RunBeside(IKeyManager keys, string keysFolder, DatabaseSettings settings, string databasePath, IReadOnlyList<StorageGroup> groups)
    {
        var warnings = new List<string>();
        Complete(keys, keysFolder, keysFolder, settings, databasePath, groups, warnings);
        return warnings;
    }

    private void Complete(IKeyManager keys, string keysFolder, string originalKeysFolder, DatabaseSettings settings, string databasePath, IReadOnlyList<StorageGroup> groups, List<string> warnings)
    {
        BuryExpired(databasePath, settings, keys, groups, warnings);
        HashSet<Guid> missing = Missing(groups, keys, DatabaseSettings.Resolve(databasePath, settings.ArchivePath));
        if (missing.Count > 0 && originalKeysFolder != keysFolder && storage.FolderExists(originalKeysFolder)) TakeFromOriginal(originalKeysFolder, keysFolder, keys, missing);
        string archivePath = DatabaseSettings.Resolve(databasePath, settings.ArchivePath);
        if (missing.Count > 0) TakeFromArchive(archivePath, settings, keys, missing, warnings);
        if (missing.Count > 0) warnings.Add($"{missing.Count} archived messages have no key to a file that is there: neither the backup nor the archive at {archivePath} says where they lie.");
    }

    private void LayOut(string keysFolder, string? keysImage, List<string> warnings)
    {
        storage.CreateFolder(keysFolder);
        if (keysImage is null || !storage.FileExists(keysImage))
        {
            JournalKeyManager.Create(storage, keysFolder);
            return;
        }
        try
        {
            using IStorageFile image = storage.Open(keysImage, FileAccessKind.Read);
            JournalKeyManager.Restore(storage, keysFolder, new StorageFileStream(image, 0, image.Length));
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.BackupDamaged)
        {
            // Only a restore that passes over damage comes here: any other has verified the image with the rest.
            warnings.Add($"{error.Message} The keys were looked for in the archive.");
            JournalKeyManager.Create(storage, keysFolder);
        }
    }

    /// <summary>Takes over all that the server has: whatever becomes of the restore, no key that counted is missing then.</summary>
    private static void TakeFromServer(KeyServerSettings settings, Guid databaseId, JournalKeyManager keys, List<string> warnings)
    {
        long taken = 0;
        try
        {
            using IKeyServer server = KeyServers.Open(settings, databaseId);
            foreach (CoveredVolume[] volumes in server.ListVolumes().Chunk(KeyCopy.BatchSize)) keys.Cover(volumes);
            Guid last = Guid.Empty;
            foreach (ArchiveKey[] batch in server.List().Chunk(KeyCopy.BatchSize))
            {
                keys.Remove([.. batch.Select(k => k.Id).Distinct().Where(id => id != last)]); // copies that have moved since the backup are not where its image says
                keys.Put(batch);
                last = batch[^1].Id;
                taken += batch.Length;
            }
            warnings.Add($"{taken} archive keys were taken over from PostgreSQL. The restored database has its keys in its own folder; where it takes the place of the original, "
                + "move them back with Move-ArchiveKey -To PostgreSql -Force.");
        }
        catch (MessageStoreException error) when (error.ErrorId is not (ErrorIds.DiskFull or ErrorIds.DeviceFailed or ErrorIds.KeysClosedForWriting))
        {
            warnings.Add($"The archive keys were on PostgreSQL and could not all be taken over ({taken} were): {error.Message} The restored database has those of the backup; what was archived, or copied anew, after it may not be found.");
        }
    }

    /// <summary>
    /// What expired after the backup was made is not to come back, whatever the backup holds. Where a hold covers it in the restored state, the hold counts.
    /// </summary>
    private void BuryExpired(string databasePath, DatabaseSettings settings, IKeyManager keys, IReadOnlyList<StorageGroup> groups, List<string> warnings)
    {
        var archive = new FileArchiveTarget(storage, DatabaseSettings.Resolve(databasePath, settings.ArchivePath), settings.DatabaseId, keys, clock, OpenDatabase.ArchiveUnit);
        long buried = 0, held = 0, givenUp = 0;
        try
        {
            archive.CheckAsync().AsTask().GetAwaiter().GetResult();
            foreach (Tombstones stones in archive.Tombstones.Read())
            {
                foreach (StorageGroup group in groups)
                {
                    // What a user deleted comes back where the backup has all of it: of an archived message it has no body.
                    bool isReclaimed = stones.Type == TombstoneFrameType.Reclaimed;
                    List<Guid> back = [.. stones.Ids.Where(id => group.TryGet(id, out IndexEntry entry) && (!isReclaimed || entry.IsArchived))];
                    if (back.Count == 0) continue;
                    group.CommitAsync([.. back.Select(id => Transaction.Deleted(id, group.Identity.Salt))]).GetAwaiter().GetResult();
                    List<Guid> gone = [.. back.Where(id => !group.TryGet(id, out _))];
                    keys.Remove(gone);
                    if (isReclaimed) givenUp += gone.Count;
                    else buried += gone.Count;
                    held += back.Count - gone.Count;
                }
                // The logs may have deleted them already; their records are gone or going, and no key may point there.
                keys.Remove([.. stones.Ids.Where(id => !groups.Any(g => g.TryGet(id, out _)) && keys.Find(id).Count > 0)]);
            }
        }
        catch (MessageStoreException error)
        {
            warnings.Add($"What has expired since the backup may be back, because the archive could not be asked: {error.Message}");
        }
        if (buried > 0) warnings.Add($"{buried} messages had expired after the backup was made, and were removed again.");
        if (givenUp > 0) warnings.Add($"{givenUp} archived messages were deleted by their users after the backup was made, and their records were given up since; they are not back.");
        if (held > 0) warnings.Add($"{held} messages had expired after the backup was made and are back, because a hold covers them in it.");
    }

    /// <summary>Archived messages without a key to a file that is there. Keys of messages in the store whose file has gone since are forgotten: nobody needs the record.</summary>
    private HashSet<Guid> Missing(IReadOnlyList<StorageGroup> groups, IKeyManager keys, string archivePath)
    {
        var missing = new HashSet<Guid>();
        var stale = new List<ArchiveKey>();
        var volumes = new ArchiveVolumes(storage, archivePath);
        foreach (StorageGroup group in groups)
            foreach (string mailbox in group.MailboxNames())
                if (group.TryFindMailbox(mailbox, out int number))
                    foreach (IndexEntry[] entries in group.List(number).Chunk(KeyCopy.BatchSize))
                        Look(entries);
        keys.RemoveCopies(stale);
        return missing;

        void Look(IndexEntry[] entries)
        {
            ILookup<Guid, ArchiveKey> copies = keys.Find([.. entries.Select(e => e.Id.ToGuid())]).ToLookup(k => k.Id);
            foreach (IndexEntry entry in entries)
            {
                if (!entry.IsArchived) stale.AddRange(copies[entry.Id.ToGuid()].Where(k => !volumes.Has(k)));
                else if (!copies[entry.Id.ToGuid()].Any(volumes.Has)) missing.Add(entry.Id.ToGuid());
            }
        }
    }

    /// <summary>
    /// Keys of the backup whose messages the logs deleted, and whose files have gone since. Tombstones say so of most; where they could not be read the keys would point nowhere.
    /// </summary>
    private static void ForgetLeftovers(JournalKeyManager keys, IReadOnlyList<StorageGroup> groups, ArchiveVolumes volumes)
    {
        keys.RemoveCopies([.. keys.List().Where(k => !volumes.Has(k) && !groups.Any(g => g.TryGet(k.Id, out _)))]);
    }

    /// <summary>Reads a copy of the original's key manager: opening it would change it, and it may still be in use.</summary>
    private void TakeFromOriginal(string originalFolder, string keysFolder, IKeyManager keys, HashSet<Guid> missing)
    {
        string copy = keysFolder + ".original";
        List<ArchiveKey> found = [];
        try
        {
            storage.CreateFolder(copy);
            byte[] block = new byte[1 << 20];
            foreach (string path in storage.ListFiles(originalFolder))
            {
                using IStorageFile source = storage.Open(path, FileAccessKind.Read);
                using IStorageFile target = storage.Open(Path.Combine(copy, Path.GetFileName(path)), FileAccessKind.CreateOrTruncate);
                int read;
                for (long offset = 0; (read = source.ReadFully(block, offset)) > 0; offset += read) target.Write(block.AsSpan(0, read), offset);
            }
            using JournalKeyManager original = JournalKeyManager.Open(storage, copy, clock);
            found = [.. missing.SelectMany(original.Find)];
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            // The original is lost or damaged, which is why we are here; the archive files are asked next.
        }
        finally
        {
            storage.DeleteFolder(copy);
        }
        Take(found, keys, missing);
    }

    private void TakeFromArchive(string archivePath, DatabaseSettings settings, IKeyManager keys, HashSet<Guid> missing, List<string> warnings)
    {
        var found = new List<ArchiveKey>();
        try
        {
            var archive = new FileArchiveTarget(storage, archivePath, settings.DatabaseId, keys, clock, OpenDatabase.ArchiveUnit);
            foreach (string volume in archive.ListVolumes())
                found.AddRange(archive.Walk(volume).Where(r => missing.Contains(r.Id)).Select(r => r.ToKey(archive.Name, archive.Unit, volume)).Where(k => IsWhole(archive, k)));
        }
        catch (MessageStoreException error)
        {
            warnings.Add($"The archive could not be asked for missing keys: {error.Message}");
        }
        // What cannot be written to the new place is no matter of warnings: the restore fails.
        Take(found, keys, missing);
    }

    /// <summary>A record found by walking is believed only when all of it holds: a damaged file may show fragments of something else.</summary>
    private static bool IsWhole(FileArchiveTarget archive, ArchiveKey key)
    {
        try
        {
            archive.VerifyAsync(key).AsTask().GetAwaiter().GetResult();
            return true;
        }
        catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error))
        {
            return false;
        }
    }

    private static void Take(List<ArchiveKey> found, IKeyManager keys, HashSet<Guid> missing)
    {
        if (found.Count == 0) return;
        keys.Put(found);
        foreach (ArchiveKey key in found) missing.Remove(key.Id);
    }

    /// <summary>Which archive files are there. One that was written anew after the backup has another name: the keys of the backup point at one that is gone.</summary>
    private sealed class ArchiveVolumes(IStorage storage, string archivePath)
    {
        private readonly bool isThere = storage.FolderExists(archivePath);
        private readonly Dictionary<string, bool> volumes = new(StringComparer.Ordinal);

        /// <summary>Whether a key's file is there, or lies where nobody can look: then it counts as there.</summary>
        public bool Has(ArchiveKey key)
        {
            if (!isThere || key.Target != FileArchiveTarget.TargetName) return true;
            if (!volumes.TryGetValue(key.Volume, out bool found)) volumes[key.Volume] = found = storage.FileExists(ArchivePaths.Resolve(archivePath, key.Volume));
            return found;
        }
    }
}
