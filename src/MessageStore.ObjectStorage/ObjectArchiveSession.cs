using System.Globalization;
using MessageStore.Archiving;
using MessageStore.Keys;

namespace MessageStore.ObjectStorage;

/// <summary>Appending to a mailbox's archive on object storage: each batch is a pack of its own.</summary>
/// <remarks>
/// On opening, the mailbox's packs are compared with what keys say of them:
/// <list type="table">
/// <item><term>covered by keys</term><description>as it should be</description></item>
/// <item><term>not covered, or not to the end</term><description>an interrupted run, or a request that arrived late: whole records are handed out as unrecorded</description></item>
/// <item><term>not covered, and each record has a whole one in another pack</term><description>the request arrived after its run had ended and the next had sent again: deleted</description></item>
/// <item><term>shorter than keys say</term><description>a note</description></item>
/// </list>
/// </remarks>
internal sealed class ObjectArchiveSession(
    ObjectArchiveTarget target, ObjectBucket bucket, PackFetcher fetcher, PackWriter writer, IKeyManager keys, string folder, DateTimeOffset storageDate, TimeProvider time) : IArchiveSession
{
    private readonly List<ArchivedRecord> unrecorded = [];
    private readonly List<string> notes = [];
    private bool failed;

    public IReadOnlyList<ArchivedRecord> Unrecorded => unrecorded;

    public IReadOnlyList<string> Notes => notes;

    /// <summary>Looks for what an interrupted run left. Errors are the SDK's.</summary>
    public async Task ExamineAsync(CancellationToken cancellationToken)
    {
        await bucket.AbortUploadsAsync(folder + "/", cancellationToken).ConfigureAwait(false);
        await foreach ((string volume, long length) in bucket.ListAsync(folder + "/", cancellationToken).ConfigureAwait(false))
        {
            if (!volume.EndsWith(ArchivePaths.Suffix, StringComparison.Ordinal)) continue;
            long covered = keys.EndOf(ObjectArchives.TargetName, ObjectArchiveTarget.Unit, volume);
            if (length < covered) notes.Add($"{bucket.Place}{volume} has {length} bytes, but keys reach to {covered}. Bring the pack back from another copy.");
            if (length > covered) await RecoverAsync(volume, covered, length, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<IReadOnlyList<ArchiveKey>> AppendAsync(ArchiveBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (failed) throw ArchiveErrors.Unavailable(bucket.Place, "an earlier append failed in this run; the next run goes on.");
        if (batch.Records.Any(r => ArchivePaths.FolderOf(r.Mailbox) != folder)) throw new ArgumentException("A record belongs to another mailbox than the session.", nameof(batch));
        string volume = string.Create(CultureInfo.InvariantCulture, $"{folder}/{storageDate.UtcDateTime:yyyy-MM}/{Guid.CreateVersion7(time.GetUtcNow()):N}{ArchivePaths.Suffix}");
        failed = true;
        Exception? trouble = null;
        try
        {
            await writer.PutAsync(volume, batch, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (ObjectErrors.IsService(error, cancellationToken))
        {
            trouble = error;
        }
        try
        {
            // After an error too: the answer may have been lost when the pack was there already. What is read back whole is there.
            List<ArchiveKey> appended = await ReadBackAsync(volume, batch, cancellationToken).ConfigureAwait(false);
            failed = false;
            return appended;
        }
        catch (Exception error) when (error is MessageStoreException { ErrorId: ErrorIds.ArchiveDamaged } || ObjectErrors.IsService(error, cancellationToken))
        {
            await GiveBackAsync(volume).ConfigureAwait(false);
            throw ObjectErrors.Wrap(trouble ?? error, $"appending {batch.Records.Count} records", bucket.Place);
        }
    }

    public void Dispose()
    {
    }

    private async Task RecoverAsync(string volume, long covered, long length, CancellationToken cancellationToken)
    {
        using PackFile file = await fetcher.FetchAsync(volume, covered, length - covered, cancellationToken).ConfigureAwait(false);
        List<ArchivedRecordInfo> whole = ArchiveTail.FindWhole(file, covered, out long good);
        if (good < length) notes.Add($"{bucket.Place}{volume}: {length - good} bytes at offset {good} are no whole records. No key points at them.");
        if (covered == 0 && good == length && await IsRedundantAsync(volume, whole, cancellationToken).ConfigureAwait(false))
        {
            await bucket.DeleteAsync(volume, cancellationToken).ConfigureAwait(false);
            notes.Add($"{bucket.Place}{volume} was deleted: it came late from an interrupted run, and its {whole.Count} records lie whole in other packs.");
            return;
        }
        unrecorded.AddRange(whole.Select(info => new ArchivedRecord(info, info.ToKey(ObjectArchives.TargetName, ObjectArchiveTarget.Unit, volume))));
    }

    /// <summary>Whether each of these records has a key to another pack, and lies whole there.</summary>
    private async Task<bool> IsRedundantAsync(string volume, List<ArchivedRecordInfo> records, CancellationToken cancellationToken)
    {
        foreach (ArchivedRecordInfo record in records)
        {
            ArchiveKey? other = keys.Find(record.Id).FirstOrDefault(k =>
                k.Target == ObjectArchives.TargetName && k.Unit == ObjectArchiveTarget.Unit && k.Volume != volume && k.Sha256 == record.Sha256);
            if (other is null) return false;
            try
            {
                await target.VerifyAsync(other, cancellationToken).ConfigureAwait(false);
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
            {
                return false;
            }
        }
        return records.Count > 0;
    }

    private async Task<List<ArchiveKey>> ReadBackAsync(string volume, ArchiveBatch batch, CancellationToken cancellationToken)
    {
        using PackFile file = await fetcher.FetchAsync(volume, 0, batch.Length, cancellationToken).ConfigureAwait(false);
        var appended = new List<ArchiveKey>(batch.Records.Count);
        foreach (ArchivedRecordInfo record in batch.Records)
        {
            ArchiveKey key = record.ToKey(ObjectArchives.TargetName, ObjectArchiveTarget.Unit, volume);
            ArchiveRecordReader.Verify(file, ArchiveRecordReader.ReadInfo(file, key));
            appended.Add(key);
        }
        return appended;
    }

    /// <summary>Takes back what a failed append may have left; where that fails too, the next session finds it without keys.</summary>
    private async Task GiveBackAsync(string volume)
    {
        try
        {
            await bucket.DeleteAsync(volume, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (ObjectErrors.IsService(error, CancellationToken.None))
        {
        }
    }
}
