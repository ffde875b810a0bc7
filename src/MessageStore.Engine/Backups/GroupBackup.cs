using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>Writes one storage group into a backup; the numbers in comments are those of figure 7.</summary>
internal sealed class GroupBackup(IStorage storage, BackupWriter writer, StorageGroup group, MaintenancePace pace, CancellationToken cancellationToken)
{
    /// <summary>Bytes that are read at a time, so that users who come in between wait for no more.</summary>
    private const int PieceBytes = 128 << 10;

    /// <summary>The set that holds a part of the segments, or that the logs follow; <see langword="null"/> for a full backup.</summary>
    public BackupReader? Base { get; init; }

    /// <summary>Told of each segment that begins: its place from 1, and how many there are.</summary>
    public Action<int, int>? SegmentBegins { get; init; }

    /// <summary>Told how many bytes were read.</summary>
    public Action<int>? BytesRead { get; init; }

    /// <exception cref="MessageStoreException">StoreDamaged, and why the group is closed for writing.</exception>
    /// <exception cref="IOException">A device failed.</exception>
    public GroupContents Write()
    {
        using GroupImage image = group.BeginBackup(cancellationToken); // 760
        (long offset, long frame) = (writer.Bytes, writer.Frames + 1);
        long snapshotBytes = storage.FileLength(image.SnapshotPath);
        var begin = new GroupBeginMark(group.Name, image.Tables.Lsn, Time(image.Tables.TimeTicks), Hex(image.Tables.Digest),
            SegmentPlan.Make(storage, image, group.Identity, Base), snapshotBytes);
        writer.Write(BackupFrameType.GroupBegin, MarkCodec.Encode(begin));

        var verifier = new ImageVerifier(group.Identity.Salt);
        IndexSnapshot.ReadPages(storage, image.SnapshotPath, group.Identity, verifier.AddPage);
        using (IStorageFile snapshot = storage.Open(image.SnapshotPath, FileAccessKind.Read))
            Copy(BackupFrameType.Snapshot, 0, snapshot, 0, snapshotBytes, null);
        for (int i = 0; i < image.Segments.Count; i++) // 770
        {
            Segment segment = image.Segments[i];
            SegmentBegins?.Invoke(i + 1, image.Segments.Count);
            verifier.BeginSegment(segment.Number, begin.Segments[i].From);
            Copy(BackupFrameType.Segment, segment.Number, segment.File, begin.Segments[i].From, begin.Segments[i].Length, verifier);
            if (verifier.EndSegment() is >= 0 and long unseen) throw Damaged(segment.File.Path, unseen);
        }
        GroupMoment end = group.EndPatch();
        using (HeldLogs logs = group.LogsBetween(image.Tables.Lsn, end.Lsn)) WriteLogs(logs.Files); // 780
        var mark = new GroupEndMark(end.Lsn, Time(end.TimeTicks), Hex(end.Digest), end.MessageCount, (long)(end.Lsn - (image.PatchStart - 1))) { Histories = group.Histories };
        writer.Write(BackupFrameType.GroupEnd, MarkCodec.Encode(mark));
        return new GroupContents(begin, mark, offset, frame, writer.Bytes - offset);
    }

    /// <summary>Writes the log since the base, and no images.</summary>
    /// <exception cref="MessageStoreException">LogMissing, and why the group is closed for writing.</exception>
    public GroupContents WriteLogsOnly()
    {
        GroupEndMark below = Base!.Contents.Groups.First(g => g.Begin.Name == group.Name).End;
        (long offset, long frame) = (writer.Bytes, writer.Frames + 1);
        var begin = new GroupBeginMark(group.Name, below.EndLsn, below.EndTime, below.StateDigest, [], 0);
        writer.Write(BackupFrameType.GroupBegin, MarkCodec.Encode(begin));
        GroupMoment end = group.EndLogFile();
        using HeldLogs logs = group.LogsBetween(below.EndLsn, end.Lsn);
        if (end.Lsn > below.EndLsn && (logs.Files.Count == 0 || logs.Files[0].FirstLsn > below.EndLsn + 1))
            throw new MessageStoreException(ErrorIds.LogMissing, ErrorKind.Device,
                $"The log of group {group.Name} does not reach back to transaction {below.EndLsn + 1}, where {Base.Path} ends. Make an incremental backup instead.", group.LogFolder);
        WriteLogs(logs.Files);
        var mark = new GroupEndMark(end.Lsn, Time(end.TimeTicks), Hex(end.Digest), end.MessageCount, (long)(end.Lsn - below.EndLsn)) { Histories = group.Histories };
        writer.Write(BackupFrameType.GroupEnd, MarkCodec.Encode(mark));
        return new GroupContents(begin, mark, offset, frame, writer.Bytes - offset);
    }

    private void WriteLogs(IReadOnlyList<LogExtent> logs)
    {
        writer.Write(BackupFrameType.LogsMark, MarkCodec.Encode(new LogsMark(
            [.. logs.Select(l => new LogMark(Path.GetFileName(l.Path), l.Kind == GroupFileKind.Patch, l.FirstLsn, l.Length))])));
        foreach (GroupFileKind kind in (GroupFileKind[])[GroupFileKind.Log, GroupFileKind.Patch]) // 785, 787
        {
            for (int i = 0; i < logs.Count; i++)
            {
                if (logs[i].Kind != kind) continue;
                using IStorageFile file = storage.Open(logs[i].Path, FileAccessKind.Read);
                Copy(kind == GroupFileKind.Patch ? BackupFrameType.Patch : BackupFrameType.Log, i, file, 0, logs[i].Length, null);
            }
        }
    }

    private void Copy(BackupFrameType type, int number, IStorageFile file, long from, long length, ImageVerifier? verifier)
    {
        var source = new ColdRead(file);
        for (long offset = from; offset < length;)
        {
            int count = (int)Math.Min(BackupWriter.ChunkBytes, length - offset);
            Span<byte> body = writer.ChunkBody(count);
            for (int read = 0; read < count;)
            {
                int piece = Math.Min(PieceBytes, count - read);
                pace.Wait(piece, cancellationToken);
                if (source.ReadFully(body.Slice(read, piece), offset + read) < piece) throw Damaged(file.Path, offset + read);
                read += piece;
            }
            if (verifier?.Feed(body, offset) is >= 0 and long bad) throw Damaged(file.Path, bad);
            writer.SendChunk(type, number, offset, count);
            offset += count;
            BytesRead?.Invoke(count);
        }
        source.LetGo();
    }

    private static string Hex(UInt128 digest) => digest.ToString("x32", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);

    private static MessageStoreException Damaged(string path, long offset) => new(ErrorIds.StoreDamaged, ErrorKind.Damaged,
        $"{path} is damaged at offset {offset}: the backup was not made. Restore the group from an earlier backup and the logs.", path);
}
