using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>
/// The archive on a file system: for each mailbox and month of storage one <c>.mbox.gz</c> file, at once readable by <c>zcat</c> and randomly accessible by
/// key. Format: docs/format-archive.md.
/// </summary>
/// <param name="storage">The disk.</param>
/// <param name="root">The archive folder.</param>
/// <param name="databaseId">The database that the archive must belong to.</param>
/// <param name="keys">Says how far keys cover a file.</param>
/// <param name="time">Names what is set aside.</param>
/// <param name="unit">What keys call the archive folder; it stays when the folder moves.</param>
internal sealed class FileArchiveTarget(
    IStorage storage, string root, Guid databaseId, IKeyManager keys, TimeProvider time, string unit) : IArchiveTarget
{
    /// <summary>The name that keys have for this kind of place.</summary>
    public const string TargetName = "files";

    private readonly HashSet<string> openMailboxes = [];

    public string Name => TargetName;

    public bool ComparesDigests => true;

    /// <summary>What keys call the archive folder.</summary>
    public string Unit => unit;

    public ValueTask CheckAsync(CancellationToken cancellationToken = default)
    {
        ArchiveMarker.Check(storage, root, databaseId);
        return ValueTask.CompletedTask;
    }

    public ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IArchiveSession>(OpenSession(mailbox, storageDate, isNext: false, cancellationToken));

    private FileArchiveSession OpenSession(string mailbox, DateTimeOffset storageDate, bool isNext, CancellationToken cancellationToken)
    {
        string folder = ArchivePaths.FolderOf(mailbox);
        lock (openMailboxes)
            if (!openMailboxes.Add(folder)) throw new InvalidOperationException($"The archive of {mailbox} is open for appending already.");
        try
        {
            ArchiveMarker.Check(storage, root, databaseId);
            return new FileArchiveSession(
                storage, root, unit, mailbox, storageDate, isNext, keys, time, () => Release(folder), () => ArchiveMarker.Check(storage, root, databaseId), cancellationToken);
        }
        catch (Exception error)
        {
            Release(folder);
            if (!ArchiveErrors.IsDevice(error)) throw;
            throw ArchiveErrors.Wrap(error, $"opening the archive of {mailbox}", root);
        }
    }

    /// <summary>Opens a mailbox for appending to a new file of a month, beside one that lost what keys point at. One session at a time, as <see cref="OpenSessionAsync"/>.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, DiskFull.</exception>
    public IArchiveSession OpenNextGeneration(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default) => OpenSession(mailbox, storageDate, isNext: true, cancellationToken);

    public ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        IStorageFile file = OpenVolume(key.Volume, key.Offset);
        try
        {
            Stream body = ArchiveRecordReader.OpenBody(file, ArchiveRecordReader.ReadInfo(file, key));
            if (body is ArchiveBodyStream) return ValueTask.FromResult<Stream>(new OwningStream(body, file));
            file.Dispose();
            return ValueTask.FromResult(body);
        }
        catch (Exception error)
        {
            file.Dispose();
            if (!ArchiveErrors.IsDevice(error)) throw;
            throw ArchiveErrors.Wrap(error, $"reading message {key.Id}", file.Path);
        }
    }

    public ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        IStorageFile file = OpenVolume(key.Volume, key.Offset);
        try
        {
            ArchiveRecordReader.Verify(file, ArchiveRecordReader.ReadInfo(file, key));
            return ValueTask.FromResult<Stream>(new OwningStream(new StorageFileStream(file, key.Offset, key.Length), file));
        }
        catch (Exception error)
        {
            file.Dispose();
            if (!ArchiveErrors.IsDevice(error)) throw;
            throw ArchiveErrors.Wrap(error, $"reading message {key.Id}", file.Path);
        }
    }

    public ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        using IStorageFile file = OpenVolume(key.Volume, key.Offset);
        try
        {
            ArchivedRecordInfo info = ArchiveRecordReader.ReadInfo(file, key);
            ArchiveRecordReader.Verify(file, info);
            return ValueTask.FromResult(info);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, $"reading message {key.Id}", file.Path);
        }
    }

    /// <summary>Which messages have expired.</summary>
    public TombstoneFile Tombstones => new(storage, root, databaseId, time);

    /// <summary>Whether a volume is there.</summary>
    public bool HasVolume(string volume) => volume.Length > 0 && storage.FileExists(ArchivePaths.Resolve(root, volume));

    /// <summary>Length of a volume in bytes.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public long LengthOf(string volume)
    {
        string path = ArchivePaths.Resolve(root, volume);
        try
        {
            return storage.FileLength(path);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "looking at a file", path);
        }
    }

    /// <summary>The full path of a volume.</summary>
    /// <exception cref="MessageStoreException">ArchiveDamaged: a key names a place outside of the archive.</exception>
    public string PathOf(string volume) => ArchivePaths.Resolve(root, volume);

    /// <summary>A sentence, with a space before it, that says where what was damaged of a volume lies now; empty where nothing was set aside.</summary>
    public string AsideNote(string volume)
    {
        try
        {
            return ArchivePaths.AsidesOf(storage, ArchivePaths.Resolve(root, volume)).LastOrDefault() is { } aside ? $" It was damaged, and set aside as {aside}." : "";
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            return "";
        }
    }

    public VolumeRewriter Rewriter() => new(storage, root, unit, keys);

    /// <summary>All volumes that are there, by mailbox folder, oldest first.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public IReadOnlyList<string> ListVolumes()
    {
        ArchiveMarker.Check(storage, root, databaseId);
        try
        {
            return [.. storage.ListFolders(root).SelectMany(f => ArchivePaths.VolumesIn(storage, root, Path.GetFileName(f)))];
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "listing the files", root);
        }
    }

    /// <summary>Walks a volume from its extra fields only: enough to rebuild its keys (<see cref="ArchivedRecordInfo.ToKey"/>).</summary>
    /// <param name="volume">The volume, as keys name it.</param>
    /// <param name="damaged">Told of every stretch without a readable record.</param>
    /// <exception cref="MessageStoreException">ArchiveUnavailable, ArchiveFileMissing.</exception>
    public IEnumerable<ArchivedRecordInfo> Walk(string volume, Action<ArchiveDamage>? damaged = null)
    {
        using IStorageFile file = OpenVolume(volume, 0);
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(file, 0, damaged)) yield return info;
    }

    private IStorageFile OpenVolume(string volume, long offset)
    {
        string path = ArchivePaths.Resolve(root, volume);
        try
        {
            return storage.Open(path, FileAccessKind.Read);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            ArchiveMarker.Check(storage, root, databaseId);
            throw new MessageStoreException(
                ErrorIds.ArchiveFileMissing, ErrorKind.Damaged, $"{path} is missing from the archive; a key points at offset {offset} in it.{AsideNote(volume)} Bring the file back from another copy.", path, error);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "opening a file", path);
        }
    }

    private void Release(string folder)
    {
        lock (openMailboxes) openMailboxes.Remove(folder);
    }
}
