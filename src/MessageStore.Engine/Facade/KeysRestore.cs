using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>
/// Gives a restored database its keys: from the backup's image, then, for messages archived after it, from the lost database's own key manager where it survived,
/// then from the archive files themselves, which hold all that a key says.
/// </summary>
internal sealed class KeysRestore(IStorage storage, TimeProvider clock)
{
    public IReadOnlyList<string> Run(string keysFolder, string? keysImage, string originalKeysFolder, DatabaseSettings settings, string databasePath, IReadOnlyList<StorageGroup> groups)
    {
        if (!storage.FolderExists(keysFolder) || storage.ListFiles(keysFolder).Count == 0) LayOut(keysFolder, keysImage);
        using JournalKeyManager keys = JournalKeyManager.Open(storage, keysFolder, clock);
        HashSet<Guid> missing = Missing(groups, keys);
        if (missing.Count > 0 && originalKeysFolder != keysFolder && storage.FolderExists(originalKeysFolder)) TakeFromOriginal(originalKeysFolder, keysFolder, keys, missing);
        string archivePath = DatabaseSettings.Resolve(databasePath, settings.ArchivePath);
        var warnings = new List<string>();
        if (missing.Count > 0) TakeFromArchive(archivePath, settings, keys, missing, warnings);
        if (missing.Count > 0) warnings.Add($"{missing.Count} archived messages have no key: neither the backup nor the archive at {archivePath} says where they lie.");
        return warnings;
    }

    private void LayOut(string keysFolder, string? keysImage)
    {
        storage.CreateFolder(keysFolder);
        if (keysImage is null || !storage.FileExists(keysImage))
        {
            JournalKeyManager.Create(storage, keysFolder);
            return;
        }
        using IStorageFile image = storage.Open(keysImage, FileAccessKind.Read);
        JournalKeyManager.Restore(storage, keysFolder, new StorageFileStream(image, 0, image.Length));
    }

    private static HashSet<Guid> Missing(IReadOnlyList<StorageGroup> groups, JournalKeyManager keys)
    {
        var missing = new HashSet<Guid>();
        foreach (StorageGroup group in groups)
            foreach (string mailbox in group.MailboxNames())
                if (group.TryFindMailbox(mailbox, out int number))
                    foreach (IndexEntry entry in group.List(number))
                        if (entry.IsArchived && keys.Find(entry.Id.ToGuid()).Count == 0)
                            missing.Add(entry.Id.ToGuid());
        return missing;
    }

    /// <summary>Reads a copy of the original's key manager: opening it would change it, and it may still be in use.</summary>
    private void TakeFromOriginal(string originalFolder, string keysFolder, JournalKeyManager keys, HashSet<Guid> missing)
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

    private void TakeFromArchive(string archivePath, DatabaseSettings settings, JournalKeyManager keys, HashSet<Guid> missing, List<string> warnings)
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
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            return false;
        }
    }

    private static void Take(List<ArchiveKey> found, JournalKeyManager keys, HashSet<Guid> missing)
    {
        if (found.Count == 0) return;
        keys.Put(found);
        foreach (ArchiveKey key in found) missing.Remove(key.Id);
    }
}
