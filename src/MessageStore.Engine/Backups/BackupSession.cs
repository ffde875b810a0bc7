using System.Diagnostics;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>One backup session, step by step as figure 7 has it; the numbers in comments are the figure's.</summary>
internal sealed class BackupSession(MailDatabase database, Action<Stream>? writeKeys, TimeProvider clock, IProgress<RunProgress>? progress)
{
    public const string Extension = ".msbackup";
    public const string PartialSuffix = ".partial";

    private readonly IStorage storage = database.Storage;
    private long done;
    private long total;

    /// <exception cref="MessageStoreException">GroupNotFound, StoreDamaged, DiskFull, and other device errors. No file with the final name is left.</exception>
    public async Task<BackupRun> RunAsync(BackupOptions options, CancellationToken cancellationToken)
    {
        if (options.Kind != BackupKind.Full)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.NotSupported, "Only full backups can be made so far.", options.Kind);
        var watch = Stopwatch.StartNew();
        DateTimeOffset started = clock.GetUtcNow();
        Guid id = Guid.CreateVersion7(started);
        List<StorageGroup> groups = ChooseGroups(options); // 730
        string path = ChoosePath(options, id, started); // 720
        string partial = path + PartialSuffix;
        var contents = new List<GroupContents>();
        long bytes;
        try
        {
            storage.CreateFolder(Path.GetDirectoryName(path)!);
            using IStorageFile file = storage.Open(partial, FileAccessKind.CreateOrTruncate); // 740
            uint salt = MailDatabase.NewSalt();
            using var writer = new BackupWriter(new StorageFileStream(file, 0, 0), salt, clock);
            writer.Write(BackupFrameType.Header, MarkCodec.Encode(new BackupHeader(
                BackupHeader.CurrentFormat, id, salt, options.Kind, null, id, 0, started, database.Path, database.Settings)));
            WriteGroupsMark(writer, groups); // 750
            total = groups.Sum(g => g.GetStatus().StoreBytes);
            foreach (StorageGroup group in groups) contents.Add(WriteGroup(writer, group, cancellationToken)); // 760 to 790
            (long keysOffset, long keysFrame) = (writer.Bytes, writer.Frames + 1);
            if (writeKeys is not null) WriteKeys(writer, writeKeys);
            long contentsOffset = writer.Bytes;
            writer.Write(BackupFrameType.Contents, MarkCodec.Encode(new ContentsMark(contents, keysOffset, keysFrame)));
            writer.Finish(sha256 => new BackupTrailer(id, writer.Frames, writer.Bytes, contentsOffset, contents.Sum(g => g.End.Messages),
                contents.Sum(g => g.End.PatchTransactions), clock.GetUtcNow(), sha256));
            file.Flush();
            bytes = writer.Bytes;
        }
        catch (Exception error)
        {
            TryDelete(partial);
            if (error is IOException or UnauthorizedAccessException) throw StorageErrors.Wrap(error, "writing the backup", path);
            throw;
        }
        try
        {
            storage.RenameFile(partial, path);
            storage.FlushFolder(Path.GetDirectoryName(path)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "naming the complete backup", path);
        }
        foreach ((StorageGroup group, GroupContents written) in groups.Zip(contents))
            await group.BackedUpAsync(new BackupMark(id, written.End.EndLsn, started.UtcTicks)).ConfigureAwait(false);
        return new BackupRun
        {
            Id = id,
            Path = path,
            Database = database.Path,
            Kind = options.Kind,
            Started = started,
            StorageGroups = [.. groups.Select(g => g.Name)],
            Messages = contents.Sum(g => g.End.Messages),
            PatchTransactions = contents.Sum(g => g.End.PatchTransactions),
            Bytes = bytes,
            Duration = watch.Elapsed,
        };
    }

    private GroupContents WriteGroup(BackupWriter writer, StorageGroup group, CancellationToken cancellationToken)
    {
        using GroupImage image = group.BeginBackup(cancellationToken); // 760
        long snapshotBytes = storage.FileLength(image.SnapshotPath);
        (long offset, long frame) = (writer.Bytes, writer.Frames + 1);
        var begin = new GroupBeginMark(group.Name, image.Tables.Lsn, new DateTimeOffset(image.Tables.TimeTicks, TimeSpan.Zero), Hex(image.Tables.Digest),
            [.. image.Tables.Segments.Select(s => new SegmentMark(s.Number, s.Length, 0))], snapshotBytes);
        writer.Write(BackupFrameType.GroupBegin, MarkCodec.Encode(begin));

        var verifier = new ImageVerifier(group.Identity.Salt);
        IndexSnapshot.ReadPages(storage, image.SnapshotPath, group.Identity, verifier.AddPage);
        using (IStorageFile snapshot = storage.Open(image.SnapshotPath, FileAccessKind.Read))
            Copy(writer, BackupFrameType.Snapshot, 0, snapshot, snapshotBytes, null, cancellationToken);
        for (int i = 0; i < image.Segments.Count; i++) // 770
        {
            Segment segment = image.Segments[i];
            progress?.Report(new RunProgress("Backing up", $"{group.Name}, segment {i + 1} of {image.Segments.Count}", done, Math.Max(done, total)));
            verifier.BeginSegment(segment.Number);
            Copy(writer, BackupFrameType.Segment, segment.Number, segment.File, image.Tables.Segments[i].Length, verifier, cancellationToken);
            if (verifier.EndSegment() is >= 0 and long unseen) throw Damaged(segment.File.Path, unseen);
        }
        GroupMoment end = group.EndPatch();
        List<LogExtent> logs = group.LogsBetween(image.Tables.Lsn, end.Lsn); // 780
        writer.Write(BackupFrameType.LogsMark, MarkCodec.Encode(new LogsMark(
            [.. logs.Select(l => new LogMark(Path.GetFileName(l.Path), l.Kind == GroupFileKind.Patch, l.FirstLsn, l.Length))])));
        foreach (GroupFileKind kind in (GroupFileKind[])[GroupFileKind.Log, GroupFileKind.Patch]) // 785, 787
        {
            for (int i = 0; i < logs.Count; i++)
            {
                if (logs[i].Kind != kind) continue;
                using IStorageFile file = storage.Open(logs[i].Path, FileAccessKind.Read);
                Copy(writer, kind == GroupFileKind.Patch ? BackupFrameType.Patch : BackupFrameType.Log, i, file, logs[i].Length, null, cancellationToken);
            }
        }
        var mark = new GroupEndMark(end.Lsn, new DateTimeOffset(end.TimeTicks, TimeSpan.Zero), Hex(end.Digest),
            end.MessageCount, (long)(end.Lsn - (image.PatchStart - 1)));
        writer.Write(BackupFrameType.GroupEnd, MarkCodec.Encode(mark));
        return new GroupContents(begin, mark, offset, frame, writer.Bytes - offset);
    }

    private static string Hex(UInt128 digest) => digest.ToString("x32", CultureInfo.InvariantCulture);

    private void Copy(BackupWriter writer, BackupFrameType type, int number, IStorageFile file, long length, ImageVerifier? verifier, CancellationToken cancellationToken)
    {
        for (long offset = 0; offset < length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = (int)Math.Min(BackupWriter.ChunkBytes, length - offset);
            Span<byte> body = writer.ChunkBody(count);
            if (file.ReadFully(body, offset) < count) throw Damaged(file.Path, offset);
            if (verifier?.Feed(body, offset) is >= 0 and long bad) throw Damaged(file.Path, bad);
            writer.SendChunk(type, number, offset, count);
            offset += count;
            done += count;
        }
    }

    private static void WriteKeys(BackupWriter writer, Action<Stream> write)
    {
        using var chunks = new KeysStream(writer);
        write(chunks);
    }

    private void WriteGroupsMark(BackupWriter writer, List<StorageGroup> groups) =>
        writer.Write(BackupFrameType.Groups, MarkCodec.Encode(new GroupsMark(
            [.. database.Settings.StorageGroups.Where(s => groups.Exists(g => g.Name == s.Name))])));

    private List<StorageGroup> ChooseGroups(BackupOptions options)
    {
        if (options.StorageGroups.Count > 0) return [.. options.StorageGroups.Select(database.Group).Distinct()];
        // A backup that silently lacked a group would be found out on the day it is needed.
        if (database.FailedGroups.Count > 0) throw database.FailedGroups[0].Reason;
        return [.. database.Groups];
    }

    private string ChoosePath(BackupOptions options, Guid id, DateTimeOffset started)
    {
        if (options.Destination is null && !storage.FolderExists(database.BackupPath))
            throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.Device,
                $"The backup folder {database.BackupPath} is missing. Is its device mounted? A backup elsewhere can be made with -Destination.", database.BackupPath);
        string target = Path.GetFullPath(options.Destination ?? database.BackupPath);
        if (target.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
        {
            if (storage.FileExists(target)) throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists, $"There is a file {target} already.", target);
            return target;
        }
        string name = started.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + id.ToString("N")[^8..] + Extension;
        return Path.Combine(target, name);
    }

    private void TryDelete(string path)
    {
        try
        {
            storage.DeleteFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What stays is called *.partial and is never taken for a backup.
        }
    }

    private static MessageStoreException Damaged(string path, long offset) => new(ErrorIds.StoreDamaged, ErrorKind.Damaged,
        $"{path} is damaged at offset {offset}: the backup was not made. Restore the group from an earlier backup and the logs.", path);
}
