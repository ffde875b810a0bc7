using System.Buffers;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Storage;

/// <summary>Something in a file of the group that is not as it was written.</summary>
internal sealed record FileProblem(string Path, long? Offset, string Problem);

/// <summary>Reading everything again, and putting good copies in the place of bad ones.</summary>
internal sealed partial class StorageGroup
{
    private const int LooksAgain = 8;

    /// <summary>
    /// Verifies the image of a message with all its frames and its SHA-256. One that was moved by a compaction meanwhile is looked up again.
    /// </summary>
    /// <param name="entry">The message; afterwards as it was when its image was read.</param>
    /// <param name="buffer">At least <see cref="ImageFrames.Longest"/> bytes.</param>
    /// <returns>What is wrong; <see langword="null"/> for nothing, or where the message is gone.</returns>
    public FileProblem? CheckImage(ref IndexEntry entry, byte[] buffer, out ImageHeader image)
    {
        image = default;
        for (int look = 0; look < LooksAgain; look++)
        {
            using Segment? segment = Acquire(entry.Segment);
            FileProblem? problem = segment is null
                ? new FileProblem(segments.PathOf(entry.Segment), entry.Offset, "the segment is missing")
                : CheckImage(segment, entry, buffer, out image);
            if (problem is null) return null;
            if (!TryGet(entry.Id.ToGuid(), out IndexEntry now)) return null;
            bool stayed = now.Segment == entry.Segment && now.Offset8 == entry.Offset8;
            entry = now;
            if (stayed) return problem;
        }
        return null;
    }

    /// <summary>
    /// Why another copy of a message that lives in the store is still needed: its image is not whole, or the newest backup was made before the image came to be. Without any backup nothing can
    /// be restored that would need the copy.
    /// </summary>
    /// <returns>What the message is, for a sentence; <see langword="null"/> where no other copy is needed.</returns>
    /// <exception cref="MessageStoreException">DeviceFailed.</exception>
    public string? NeedOfCopy(IndexEntry entry)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ImageFrames.Longest);
        try
        {
            if (CheckImage(ref entry, buffer, out _) is { } problem) return $"damaged in the store ({problem.Problem})";
            if (LastBackup is not { } backup) return null;
            using Segment? segment = Acquire(entry.Segment);
            // An image keeps the LSN of the transaction that brought it, wherever it is copied; of several frames the last one counts.
            long last = entry.Offset + ImageFrames.OffsetOf(entry, ImageFrames.Count(entry) - 1);
            bool isThere = segment is not null && ReadDevice(segment, buffer.AsSpan(0, FrameHeader.Size), last) == FrameHeader.Size;
            return isThere && FrameHeader.TryRead(buffer, Identity.Salt, out FrameHeader header) && header.Lsn <= backup.Lsn ? null : "in no backup yet";
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private FileProblem? CheckImage(Segment segment, in IndexEntry entry, byte[] buffer, out ImageHeader image)
    {
        try
        {
            string? problem = ImageFrames.Verify(new ContiguousImage(segment.File, entry), entry, Identity.Salt, buffer, out image, out long at);
            return problem is null ? null : new FileProblem(segment.File.Path, entry.Offset + at, problem);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            image = default;
            return new FileProblem(segment.File.Path, entry.Offset, error.Message);
        }
    }

    /// <summary>
    /// Sums up the state digest anew from the index. Where users change something during every try nothing is said: the checkpoints have digests too.
    /// </summary>
    public bool IsDigestWrong()
    {
        for (int look = 0; look < LooksAgain; look++)
        {
            ulong lsn = LastLsn;
            UInt128 sum = NamesDigest() + index.MessagesDigest();
            lock (index.Gate)
                if (committer.LastLsn == lsn) return sum != index.Digest;
        }
        return false;
    }

    /// <summary>Verifies the checkpoints that are kept.</summary>
    /// <returns>What is wrong with them.</returns>
    public List<FileProblem> CheckSnapshots(ref long bytes)
    {
        var problems = new List<FileProblem>();
        foreach ((_, string path) in IndexSnapshot.List(storage, StoreFolder))
        {
            try
            {
                bytes += storage.FileLength(path);
                IndexSnapshot.Verify(storage, path, Identity);
            }
            catch (FileNotFoundException)
            {
                continue; // a newer one has come meanwhile
            }
            catch (Exception error) when (error is FormatException or IOException or UnauthorizedAccessException or MessageStoreException)
            {
                if (storage.FileExists(path)) problems.Add(new FileProblem(path, null, error.Message));
            }
        }
        return problems;
    }

    /// <summary>Walks all log files up to the newest transaction of this moment.</summary>
    /// <returns>Where a transaction is damaged or missing.</returns>
    public List<FileProblem> CheckLogs(ref long bytes, CancellationToken cancellationToken)
    {
        ulong durable = LastLsn;
        List<LogFile> files = LogFiles.List(storage, LogFolder);
        var problems = new List<FileProblem>();
        if (files.Count == 0 && durable > CheckpointLsn) problems.Add(new FileProblem(LogFolder, null, "there is no log file"));
        for (int i = 0; i < files.Count; i++)
        {
            ulong last = Math.Min(LogFiles.LastLsn(files, i), durable);
            try
            {
                bytes += storage.FileLength(files[i].Path);
                bool hasTwin = files.FindIndex(f => f.FirstLsn == files[i].FirstLsn) != files.FindLastIndex(f => f.FirstLsn == files[i].FirstLsn);
                if (CheckLog(files[i], last, hasTwin, cancellationToken) is { } problem && storage.FileExists(files[i].Path)) problems.Add(problem);
            }
            catch (FileNotFoundException)
            {
                continue; // trimmed meanwhile
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                problems.Add(new FileProblem(files[i].Path, null, error.Message));
            }
        }
        return problems;
    }

    private FileProblem? CheckLog(LogFile log, ulong last, bool hasTwin, CancellationToken cancellationToken)
    {
        using IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
        if (GroupFileHeader.Read(file, out int headerLength) is not { } header) return new FileProblem(log.Path, 0, "its header is damaged");
        if (header.Identity.Salt != Identity.Salt || header.Identity.DatabaseId != Identity.DatabaseId) return new FileProblem(log.Path, 0, "it belongs to another storage group");
        if (header.Number != log.FirstLsn) return new FileProblem(log.Path, 0, "its header is that of another log file");
        using var reader = new FrameReader(file, Identity.Salt, headerLength, log.FirstLsn);
        while (reader.TryRead(out _, out _)) cancellationToken.ThrowIfCancellationRequested();
        // What is being written now is not durable yet, and of two files with one beginning one is empty.
        if (reader.ExpectedLsn > last || (hasTwin && reader.ExpectedLsn == log.FirstLsn)) return null;
        return new FileProblem(log.Path, reader.End.Offset, string.Create(CultureInfo.InvariantCulture, $"transaction {reader.ExpectedLsn} is damaged or missing"));
    }

    public ulong CheckpointLsn => Volatile.Read(ref checkpointLsn);

    /// <summary>Where the images of some messages lie in the logs.</summary>
    /// <param name="open">Gets what is to be disposed afterwards: the files, and what keeps them from being written again.</param>
    public LogImages FindInLogs(IReadOnlySet<Guid> wanted, List<IDisposable> open, CancellationToken cancellationToken)
    {
        open.Add(spares.Hold());
        var images = new LogImages(Identity.Salt, wanted);
        foreach (LogFile log in LogFiles.List(storage, LogFolder))
        {
            try
            {
                IStorageFile file = storage.Open(log.Path, FileAccessKind.Read);
                open.Add(file);
                images.Scan(file, log.FirstLsn, cancellationToken);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Another source may have it.
            }
        }
        return images;
    }

    /// <summary>Where images of some messages lie in the segments, whether anybody needs them still or not.</summary>
    /// <inheritdoc cref="FindInLogs"/>
    public LogImages FindInSegments(IReadOnlySet<Guid> wanted, List<IDisposable> open, CancellationToken cancellationToken)
    {
        var images = new LogImages(Identity.Salt, wanted);
        foreach (string path in storage.ListFiles(segments.Folder))
        {
            try
            {
                IStorageFile file = storage.Open(path, FileAccessKind.Read);
                open.Add(file);
                images.ScanLoose(file, cancellationToken);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Another source may have it.
            }
        }
        return images;
    }

    /// <summary>The body of a message that is archived, from an image of the time when it was not.</summary>
    /// <returns><see langword="null"/> where that image is not whole, or is of something else.</returns>
    public Stream? OpenWhole(IndexEntry archived, ushort summaryLength, ImageSource source)
    {
        IndexEntry image = archived;
        image.SummaryLength = summaryLength;
        image.Flags &= ~EntryFlags.Archived;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ImageFrames.Longest);
        try
        {
            return ImageFrames.Verify(source, image, Identity.Salt, buffer, out _, out _) is null ? new ImageBodyStream(source, image) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Puts a good copy of an image in the place of a bad one. The bad one's bytes stay as they are until their segment is compacted.</summary>
    /// <param name="summaryLength">The copy's.</param>
    /// <returns>Whether the message is whole now: the copy was read back.</returns>
    /// <exception cref="MessageStoreException">The group is closed for writing, or the device failed.</exception>
    public async Task<bool> ReplaceImageAsync(IndexEntry damaged, ushort summaryLength, ImageSource source, CancellationToken cancellationToken)
    {
        IndexEntry image = damaged;
        image.SummaryLength = summaryLength;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ImageFrames.Longest);
        try
        {
            if (ImageFrames.Verify(source, image, Identity.Salt, buffer, out _, out _) is not null) return false;
            if (await CopyImageAsync(damaged, image, source, cancellationToken).ConfigureAwait(false) is not null) return false;
            return TryGet(damaged.Id.ToGuid(), out IndexEntry now) && CheckImage(ref now, buffer, out _) is null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false; // the source's device
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The image of a message made anew from its bytes.</summary>
    public (ImageSource Source, ushort SummaryLength) Rebuild(in IndexEntry entry, MessageBody body, MessageSummary summary)
    {
        var image = new ImageHeader
        {
            Id = entry.Id.ToGuid(),
            DigestLow = UInt128Bytes.Read(body.Sha256),
            DigestHigh = UInt128Bytes.Read(body.Sha256[16..]),
            ReceivedTicks = entry.ReceivedTicks,
            BodyLength = body.Length,
            Mailbox = entry.Mailbox,
            Folder = entry.Folder,
            Flags = entry.Flags,
        };
        byte[] head = EncodeHead(ref image, summary);
        return (new RebuiltImage(entry.IsArchived ? null : body, head, image.Id, Identity.Salt, committer.LastLsn, committer.LastTime), image.SummaryLength);
    }

    /// <summary>Takes as many checkpoints as are kept, each with a log of its own, so that opening depends on no older file of either kind.</summary>
    public void Renew(CancellationToken cancellationToken)
    {
        for (int taken = 0; taken < SnapshotsKept; taken++)
        {
            CommitAsync(Transaction.Vouch(Identity.Salt)).GetAwaiter().GetResult();
            checkpointing.Wait(cancellationToken);
            try
            {
                CheckpointHeld(cancellationToken, newLog: true);
            }
            finally
            {
                checkpointing.Release();
            }
        }
    }
}
