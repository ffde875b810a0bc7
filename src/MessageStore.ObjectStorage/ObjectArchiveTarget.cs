using System.Net;
using System.Text.Json;
using Amazon.Runtime;
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

    public bool ComparesDigests => true;

    public string Name => ObjectArchives.TargetName;

    /// <summary>A pack is what one append carries.</summary>
    public int BatchBytes => 32 << 20;

    /// <summary>
    /// Makes sure that bucket and prefix are this database's. An empty place becomes its archive where no key says that anything lies there; otherwise it is the wrong one.
    /// </summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    public async ValueTask CheckAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            if (await ReadMarkerAsync(cancellationToken).ConfigureAwait(false)) return;
            if (!await IsNewAsync(cancellationToken).ConfigureAwait(false))
                throw ArchiveErrors.Unavailable(bucket.Place, $"it holds no {ArchiveMarker.FileName}. Is it the right bucket and prefix?");
            await WriteMarkerAsync(cancellationToken).ConfigureAwait(false);
            if (!await ReadMarkerAsync(cancellationToken).ConfigureAwait(false)) throw ArchiveErrors.Unavailable(bucket.Place, $"its {ArchiveMarker.FileName} was written and is not there.");
        }
        catch (JsonException error)
        {
            throw ArchiveErrors.Unavailable(bucket.Place, $"its {ArchiveMarker.FileName} is damaged: {error.Message}", error);
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

    public async ValueTask<Stream> OpenRecordAsync(ArchiveKey key, CancellationToken cancellationToken = default)
    {
        PackFile file = await FetchAsync(key, cancellationToken).ConfigureAwait(false);
        try
        {
            ArchiveRecordReader.Verify(file, ArchiveRecordReader.ReadInfo(file, key));
            return new OwningStream(new StorageFileStream(file, key.Offset, key.Length), file);
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

    /// <returns>Whether there is one; it is this database's then.</returns>
    private async Task<bool> ReadMarkerAsync(CancellationToken cancellationToken)
    {
        try
        {
            using PackFile file = await fetcher.FetchAsync(ArchiveMarker.FileName, 0, LargestMarker, cancellationToken).ConfigureAwait(false);
            byte[] bytes = new byte[file.Count];
            file.ReadFully(bytes, 0);
            ArchiveMarker? marker = JsonSerializer.Deserialize<ArchiveMarker>(bytes);
            if (marker is null or { Format: < 1 or > ArchiveMarker.CurrentFormat })
                throw ArchiveErrors.Unavailable(bucket.Place, $"its {ArchiveMarker.FileName} is of format {marker?.Format}; this version reads format {ArchiveMarker.CurrentFormat}.");
            return marker.DatabaseId == databaseId ? true : throw ArchiveErrors.Unavailable(bucket.Place, $"it belongs to another database ({marker.DatabaseId}).");
        }
        catch (Exception error) when (ObjectErrors.IsMissing(error))
        {
            return false;
        }
    }

    private async Task<bool> IsNewAsync(CancellationToken cancellationToken)
    {
        if (keys.List().Any(k => k.Target == Name)) return false;
        await foreach ((string _, long _) in bucket.ListAsync("", cancellationToken).ConfigureAwait(false)) return false;
        return true;
    }

    private async Task WriteMarkerAsync(CancellationToken cancellationToken)
    {
        try
        {
            var content = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(new ArchiveMarker(ArchiveMarker.CurrentFormat, databaseId)));
            await bucket.PutAsync(ArchiveMarker.FileName, content, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is AmazonServiceException { StatusCode: HttpStatusCode.PreconditionFailed })
        {
            // Another database was quicker, or the answer to our first try was lost: reading it tells.
        }
    }
}
