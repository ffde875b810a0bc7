using System.Text.Json;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.ObjectStorage;

/// <summary>The archive on S3-compatible object storage: packs of archive records, each an object that is created once and never changed. Format: docs/format-pack.md.</summary>
/// <param name="bucket">Where packs lie.</param>
/// <param name="databaseId">The database that the archive must belong to.</param>
/// <param name="keys">Says how far keys cover a pack.</param>
/// <param name="storage">Where records that are too large for memory are fetched to.</param>
/// <param name="spoolFolder">The folder for them; it must exist.</param>
/// <param name="time">Names packs.</param>
/// <param name="partSize">Beyond how many bytes a pack is sent in parts of this length.</param>
internal sealed class ObjectArchiveTarget(
    ObjectBucket bucket, Guid databaseId, IKeyManager keys, IStorage storage, string spoolFolder, TimeProvider time, int partSize = PackWriter.DefaultPartSize) : IArchiveTarget, IDisposable
{
    /// <summary>What keys call the bucket; it stays when the objects move to another.</summary>
    public const string Unit = "bucket";

    private const int LargestMarker = 64 << 10;

    private readonly PackFetcher fetcher = new(bucket, storage, spoolFolder);
    private readonly PackWriter writer = new(bucket, partSize);

    public string Name => ObjectArchives.TargetName;

    /// <summary>A pack is what one append carries.</summary>
    public int BatchBytes => 32 << 20;

    /// <summary>Makes the bucket, from the prefix on, this database's archive. No error where it is that already.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: it is another database's, or cannot be reached.</exception>
    public async ValueTask CreateAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var content = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(new ArchiveMarker(ArchiveMarker.CurrentFormat, databaseId)));
            await bucket.PutAsync(ArchiveMarker.FileName, content, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (ObjectErrors.IsService(error, cancellationToken))
        {
            // It may be there already, of an earlier time or because the answer was lost: checking it says more than the error.
            if (!await ExistsAsync(cancellationToken).ConfigureAwait(false)) throw ObjectErrors.Wrap(error, $"creating its {ArchiveMarker.FileName}", bucket.Place);
        }
        await CheckAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask CheckAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            using PackFile file = await fetcher.FetchAsync(ArchiveMarker.FileName, 0, LargestMarker, cancellationToken).ConfigureAwait(false);
            byte[] bytes = new byte[file.Count];
            file.ReadFully(bytes, 0);
            ArchiveMarker? marker = JsonSerializer.Deserialize<ArchiveMarker>(bytes);
            if (marker is null or { Format: < 1 or > ArchiveMarker.CurrentFormat })
                throw ArchiveErrors.Unavailable(bucket.Place, $"its {ArchiveMarker.FileName} is of format {marker?.Format}; this version reads format {ArchiveMarker.CurrentFormat}.");
            if (marker.DatabaseId != databaseId) throw ArchiveErrors.Unavailable(bucket.Place, $"it belongs to another database ({marker.DatabaseId}).");
        }
        catch (JsonException error)
        {
            throw ArchiveErrors.Unavailable(bucket.Place, $"its {ArchiveMarker.FileName} is damaged: {error.Message}", error);
        }
        catch (Exception error) when (ObjectErrors.IsMissing(error))
        {
            throw ArchiveErrors.Unavailable(bucket.Place, $"it holds no {ArchiveMarker.FileName}. Is it the right bucket and prefix?");
        }
        catch (Exception error) when (ObjectErrors.IsService(error, cancellationToken))
        {
            throw ObjectErrors.Wrap(error, $"reading its {ArchiveMarker.FileName}", bucket.Place);
        }
    }

    public async ValueTask<IArchiveSession> OpenSessionAsync(string mailbox, DateTimeOffset storageDate, CancellationToken cancellationToken = default)
    {
        try
        {
            var session = new ObjectArchiveSession(this, bucket, fetcher, writer, keys, ArchivePaths.FolderOf(mailbox), storageDate, time);
            await session.ExamineAsync(cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch (Exception error) when (ObjectErrors.IsService(error, cancellationToken))
        {
            throw ObjectErrors.Wrap(error, $"opening the archive of {mailbox}", bucket.Place);
        }
    }

    public async ValueTask<Stream> OpenAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        PackFile file = await FetchAsync(key, cancellationToken).ConfigureAwait(false);
        try
        {
            return new OwningStream(ArchiveRecordReader.OpenBody(file, ArchiveRecordReader.ReadInfo(file, key)), file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public async ValueTask<ArchivedRecordInfo> VerifyAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        using PackFile file = await FetchAsync(key, cancellationToken).ConfigureAwait(false);
        ArchivedRecordInfo info = ArchiveRecordReader.ReadInfo(file, key);
        ArchiveRecordReader.Verify(file, info);
        return info;
    }

    public void Dispose() => bucket.Dispose();

    private async Task<PackFile> FetchAsync(ArchiveKey key, CancellationToken cancellationToken)
    {
        if (key.Length < 1 || key.Offset < 0) throw ArchiveErrors.Damaged(bucket.Place + key.Volume, key.Offset, $"the key of message {key.Id} says that its record has {key.Length} bytes.");
        try
        {
            return await fetcher.FetchAsync(key.Volume, key.Offset, key.Length, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (ObjectErrors.IsMissing(error))
        {
            await CheckAsync(cancellationToken).ConfigureAwait(false);
            throw ArchiveErrors.Damaged(bucket.Place + key.Volume, key.Offset, $"the pack of message {key.Id} is missing.");
        }
        catch (Exception error) when (ObjectErrors.IsService(error, cancellationToken))
        {
            throw ObjectErrors.Wrap(error, $"reading message {key.Id}", bucket.Place);
        }
    }

    private async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        try
        {
            (await fetcher.FetchAsync(ArchiveMarker.FileName, 0, 1, cancellationToken).ConfigureAwait(false)).Dispose();
            return true;
        }
        catch (Exception error) when (ObjectErrors.IsService(error, cancellationToken))
        {
            return false;
        }
    }
}
