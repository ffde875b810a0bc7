using System.Buffers;
using System.Diagnostics;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// Compaction, while everybody goes on: what is alive in a mostly dead segment is copied to the end of the store, then the segment leaves the store. Its
/// file is deleted when no kept checkpoint names it any more (<see cref="SegmentStore.DeleteRetired"/>), so that a crash at any moment finds either the old
/// places with the old file or the new ones with the copies (docs/compaction.md).
/// </summary>
internal sealed partial class StorageGroup
{
    /// <summary>Images up to this many bytes in all are copied with one write.</summary>
    private const int CompactionBatch = 1 << 20;

    private static readonly TimeSpan PatienceStep = TimeSpan.FromMilliseconds(10);

    private readonly SemaphoreSlim compacting = new(1, 1);
    private readonly CancellationTokenSource closing = new();
    private long compactionLookedAt;
    private int compactionsWaiting;

    /// <summary>Whether a backup session holds segments and a checkpoint.</summary>
    private bool IsBackupUnderWay
    {
        get
        {
            lock (heldSnapshots) return heldSnapshots.Count > 0;
        }
    }

    /// <summary>What <see cref="CompactAsync"/> would rewrite now.</summary>
    public List<MostlyDeadSegment> MostlyDead(CompactionOptions how)
    {
        lock (index.Gate)
        {
            return [.. segments.Segments
                .Where(s => s.Length > GroupFileHeader.LongestFrame || !ReferenceEquals(s, segments.Current))
                .Where(s => how.SealCurrent || !ReferenceEquals(s, segments.Current))
                .Where(s => s.Length - s.LiveBytes >= s.Length * how.MinimumDeadShare)
                .Select(s => new MostlyDeadSegment(s.Number, s.Length, s.LiveBytes))];
        }
    }

    /// <summary>Rewrites the segments that are mostly dead. Their files go with later checkpoints, or with <see cref="ReleaseSpace"/>.</summary>
    /// <exception cref="MessageStoreException">The group is closed for writing, or the device failed. What was done so far stands.</exception>
    public async Task<GroupCompaction> CompactAsync(CompactionOptions how, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);
        Interlocked.Increment(ref compactionsWaiting);
        try
        {
            await compacting.WaitAsync(stop.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref compactionsWaiting);
        }
        try
        {
            return await CompactHeldAsync(how, progress, stop.Token).ConfigureAwait(false);
        }
        finally
        {
            compacting.Release();
        }
    }

    /// <summary>Takes the checkpoints after which no snapshot names a retired segment, so that the files go.</summary>
    /// <returns>Whether all of them are gone.</returns>
    public bool ReleaseSpace(TimeSpan readerPatience, CancellationToken cancellationToken)
    {
        for (int taken = 0; taken < SnapshotsKept && segments.RetiredCount > 0; taken++)
        {
            if (committer.LastLsn == Volatile.Read(ref checkpointLsn)) CommitAsync(Transaction.Vouch(Identity.Salt)).GetAwaiter().GetResult();
            Checkpoint(cancellationToken);
        }
        for (var watch = Stopwatch.StartNew(); segments.RetiredCount > 0 && watch.Elapsed < readerPatience; Thread.Sleep(PatienceStep)) DeleteRetired(cancellationToken);
        return segments.RetiredCount == 0;
    }

    private async Task<GroupCompaction> CompactHeldAsync(CompactionOptions how, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var result = new GroupCompaction();
        List<Segment> chosen = await ChooseAsync(how, result).ConfigureAwait(false);
        long done = 0, total = chosen.Sum(s => s.LiveBytes);
        Dictionary<int, int> counts = index.CountImages(chosen.Select(s => s.Number));
        foreach (List<Segment> stretch in Stretches(chosen, counts, how.ImagesInMemory))
        {
            Dictionary<int, List<ImagePlace>> images = index.ImagesIn(stretch.Select(s => KeyValuePair.Create(s.Number, counts[s.Number])));
            result.MostImages = Math.Max(result.MostImages, images.Values.Sum(i => i.Count));
            foreach (Segment segment in stretch)
            {
                progress?.Report(new RunProgress("Compacting", $"{Name}, {SegmentStore.FileName(segment.Number)}", done, total));
                long copiedBefore = result.BytesCopied;
                await RewriteAsync(segment, images[segment.Number], how, result, cancellationToken).ConfigureAwait(false);
                done += result.BytesCopied - copiedBefore;
            }
        }
        return result;
    }

    /// <summary>Segments whose images are listed together: as many as memory is for, one at least.</summary>
    private static IEnumerable<List<Segment>> Stretches(List<Segment> chosen, Dictionary<int, int> counts, int imagesInMemory)
    {
        var stretch = new List<Segment>();
        int images = 0;
        foreach (Segment segment in chosen)
        {
            if (stretch.Count > 0 && images + counts[segment.Number] > imagesInMemory)
            {
                yield return stretch;
                (stretch, images) = ([], 0);
            }
            stretch.Add(segment);
            images += counts[segment.Number];
        }
        if (stretch.Count > 0) yield return stretch;
    }

    private async Task RewriteAsync(Segment segment, List<ImagePlace> images, CompactionOptions how, GroupCompaction result, CancellationToken cancellationToken)
    {
        if (!await IsFreeAsync(segment, how, cancellationToken).ConfigureAwait(false))
        {
            result.Notes.Add($"{SegmentStore.FileName(segment.Number)} is held by {(IsBackupUnderWay ? "a backup" : "a reader")} and was left as it is.");
            return;
        }
        if (!await EmptyAsync(segment, images, how, result, cancellationToken).ConfigureAwait(false)) return;
        if (await RetireAsync(segment, cancellationToken).ConfigureAwait(false))
        {
            result.Segments++;
            result.SegmentBytes += segment.Length;
        }
        else
        {
            result.Notes.Add($"{SegmentStore.FileName(segment.Number)} was taken by a backup in the meantime; it is empty and goes the next time.");
        }
    }

    /// <summary>On the committer's thread: whatever is chosen gets no new image from here on.</summary>
    private Task<List<Segment>> ChooseAsync(CompactionOptions how, GroupCompaction result) => committer.RunAsync(() =>
    {
        if (committer.Failure is { } closed) throw closed;
        var chosen = new List<Segment>();
        foreach (MostlyDeadSegment dead in MostlyDead(how))
        {
            Segment segment = segments.Find(dead.Number)!;
            if (applier.Pending.Values.Any(p => p.Segment == dead.Number))
            {
                result.Notes.Add($"A large message is on its way into {SegmentStore.FileName(dead.Number)}, which was left as it is.");
                continue;
            }
            try
            {
                if (ReferenceEquals(segment, segments.Current)) segments.Seal();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw StorageErrors.Wrap(error, "beginning a segment", segments.Folder);
            }
            chosen.Add(segment);
        }
        return chosen;
    });

    private async Task<bool> IsFreeAsync(Segment segment, CompactionOptions how, CancellationToken cancellationToken)
    {
        for (var watch = Stopwatch.StartNew(); segment.IsHeld; await Task.Delay(PatienceStep, cancellationToken).ConfigureAwait(false))
            if (IsBackupUnderWay || watch.Elapsed >= how.ReaderPatience) return false;
        return true;
    }

    /// <summary>Copies what is alive in a segment.</summary>
    /// <returns>Whether nothing is left in it: a damaged image is not dropped, it keeps its segment.</returns>
    private async Task<bool> EmptyAsync(Segment segment, List<ImagePlace> images, CompactionOptions how, GroupCompaction result, CancellationToken cancellationToken)
    {
        int damagedBefore = result.Damaged.Count;
        byte[] batch = ArrayPool<byte>.Shared.Rent(CompactionBatch);
        var moving = new List<(IndexEntry Old, ushort SummaryLength)>();
        int filled = 0;
        try
        {
            foreach (ImagePlace image in images)
            {
                if (!TryGetAt(segment, image, out IndexEntry entry)) continue; // deleted or archived since
                if (filled + entry.ImageLength > CompactionBatch) await FlushAsync().ConfigureAwait(false);
                string? problem = entry.ImageLength > CompactionBatch
                    ? await CopyLargeAsync(segment, entry, how, result, cancellationToken).ConfigureAwait(false)
                    : Take(entry);
                if (problem is not null) result.Damaged.Add(new DamagedImage(entry, segment.File.Path, entry.Offset, problem));
            }
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(batch);
        }
        int damaged = result.Damaged.Count - damagedBefore;
        if (damaged > 0) result.Notes.Add($"{damaged} messages in {SegmentStore.FileName(segment.Number)} are damaged. It stays: find and repair them with Test-MessageDatabase -Repair.");
        return damaged == 0;

        string? Take(in IndexEntry entry)
        {
            Span<byte> frame = batch.AsSpan(filled, (int)entry.ImageLength);
            frame = frame[..ReadDevice(segment, frame, entry.Offset)];
            if (ImageFrames.Problem(frame, entry, 0, Identity.Salt) is { } problem) return problem;
            moving.Add((entry, entry.SummaryLength));
            filled += frame.Length;
            return null;
        }

        async Task FlushAsync()
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (moving.Count == 0) return;
            var watch = Stopwatch.StartNew();
            await PlaceAsync(batch.AsMemory(0, filled), moving).ConfigureAwait(false);
            result.BytesCopied += filled;
            moving.Clear();
            filled = 0;
            if (how.Pace is not null) await Task.Delay(how.Pace(watch.Elapsed), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<string?> CopyLargeAsync(Segment segment, IndexEntry entry, CompactionOptions how, GroupCompaction result, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        string? problem = await CopyImageAsync(entry, entry, new ContiguousImage(segment.File, entry), cancellationToken).ConfigureAwait(false);
        if (problem is null) result.BytesCopied += entry.ImageLength;
        if (how.Pace is not null) await Task.Delay(how.Pace(watch.Elapsed), cancellationToken).ConfigureAwait(false);
        return problem;
    }

    /// <summary>Writes several images with one write.</summary>
    private async Task PlaceAsync(ReadOnlyMemory<byte> bytes, IReadOnlyList<(IndexEntry Old, ushort SummaryLength)> images)
    {
        (Segment segment, long offset) = await ReserveAsync(bytes.Length).ConfigureAwait(false);
        try
        {
            SegmentStore.Write(segment, bytes.Span, offset);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            await GiveBackAsync(segment, offset, bytes.Length).ConfigureAwait(false);
            throw StorageErrors.Wrap(error, "copying messages", segment.File.Path);
        }
        await RelocateAsync(images, segment, offset).ConfigureAwait(false);
    }

    private bool TryGetAt(Segment segment, ImagePlace image, out IndexEntry entry)
    {
        lock (index.Gate)
        {
            int slot = index.Find(image.Id);
            entry = slot >= 0 ? index.Entry(slot) : default;
            return slot >= 0 && entry.Segment == segment.Number && entry.Offset8 == image.Offset8;
        }
    }

    /// <summary>
    /// Takes an empty segment out of the store; not while a checkpoint is being written or a backup takes what it names, because both go by names.
    /// </summary>
    private async Task<bool> RetireAsync(Segment segment, CancellationToken cancellationToken)
    {
        await checkpointing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await committer.RunAsync(() =>
            {
                lock (index.Gate)
                {
                    if (segment.LiveBytes != 0 || (segment.IsHeld && IsBackupUnderWay)) return false;
                    segments.Retire(segment);
                    return true;
                }
            }).ConfigureAwait(false);
        }
        finally
        {
            checkpointing.Release();
        }
    }

    /// <summary>On the committer's thread: begins a compaction in the background when much of the store is dead.</summary>
    private void CompactIfDue()
    {
        long written = committer.LogBytes;
        if (written - compactionLookedAt < options.CompactionLookBytes) return;
        compactionLookedAt = written;
        long total = segments.TotalBytes, dead = total - segments.LiveBytes;
        if (dead < options.CompactionDeadBytes || dead < total * options.CompactionDeadShare) return;
        if (committer.Failure is not null || IsBackupUnderWay || !compacting.Wait(0)) return;
        _ = Task.Run(async () =>
        {
            try
            {
                // One part work, three parts rest; no rest while somebody waits to compact.
                TimeSpan Rest(TimeSpan worked) => Volatile.Read(ref compactionsWaiting) > 0 ? TimeSpan.Zero : worked * 3;
                var how = new CompactionOptions { MinimumDeadShare = options.CompactionDeadShare, Pace = Rest };
                GroupCompaction done = await CompactHeldAsync(how, null, closing.Token).ConfigureAwait(false);
                if (done.Segments > 0) ReleaseSpace(TimeSpan.Zero, closing.Token);
            }
            catch (Exception error) when (error is MessageStoreException or OperationCanceledException or ObjectDisposedException)
            {
                // The store stays as long as it was, and the next look tries again.
            }
            finally
            {
                compacting.Release();
            }
        });
    }
}
