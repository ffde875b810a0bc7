using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Finds single images of a storage group in a backup file without unpacking it: one pass notes where the pieces of its files lie, and the files are then read
/// where they are. A damaged backup is good for what lies before the damage: what is found is to be verified anyway.
/// </summary>
internal sealed class BackupImages : IDisposable
{
    private readonly IStorageFile backup;
    private readonly GroupIdentity group;
    private readonly PiecedFile snapshot;
    private readonly SortedDictionary<int, PiecedFile> segments = [];
    private readonly SortedDictionary<int, PiecedFile> logs = [];

    /// <exception cref="MessageStoreException">The file is no complete backup.</exception>
    public BackupImages(IStorage storage, string path, GroupIdentity group, BackupKey? key, CancellationToken cancellationToken)
    {
        Path = path;
        this.group = group;
        using var reader = new BackupReader(storage, path, key);
        backup = BackupFile.Open(storage, path, key);
        snapshot = new PiecedFile(backup);
        if (reader.Header.Settings.DatabaseId == group.DatabaseId) Note(reader, cancellationToken);
    }

    public string Path { get; }

    /// <summary>Looks for messages.</summary>
    /// <param name="found">Takes each image found; it is good until this object is disposed.</param>
    public void Find(IReadOnlySet<Guid> wanted, List<(Guid Id, ushort SummaryLength, ImageSource Source)> found, CancellationToken cancellationToken)
    {
        if (snapshot.Length > 0)
        {
            IndexSnapshot.ReadPages(snapshot, group, page =>
            {
                foreach (ref readonly IndexEntry entry in MemoryMarshal.Cast<byte, IndexEntry>(page))
                    if (entry.IsInUse && wanted.Contains(entry.Id.ToGuid()) && segments.TryGetValue(entry.Segment, out PiecedFile? segment))
                        found.Add((entry.Id.ToGuid(), entry.SummaryLength, new ContiguousImage(segment, entry)));
            });
        }
        var inLogs = new LogImages(group.Salt, wanted);
        foreach (PiecedFile log in logs.Values) inLogs.Scan(log, 0, cancellationToken);
        found.AddRange(inLogs.Found);
    }

    public void Dispose() => backup.Dispose();

    private void Note(BackupReader reader, CancellationToken cancellationToken)
    {
        bool ours = false;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long offset = reader.Position;
                BackupFrameType type = reader.Next(out ReadOnlySpan<byte> payload);
                if (type == BackupFrameType.Trailer) return;
                if (type == BackupFrameType.GroupBegin) ours = reader.Decode<GroupBeginMark>(payload, offset).Name == group.Name;
                if (!ours || type is not (BackupFrameType.Snapshot or BackupFrameType.Segment or BackupFrameType.Log or BackupFrameType.Patch)) continue;
                PiecedFile file = type == BackupFrameType.Snapshot ? snapshot : FileOf(type == BackupFrameType.Segment ? segments : logs, BinaryPrimitives.ReadInt32LittleEndian(payload));
                file.Add(BinaryPrimitives.ReadInt64LittleEndian(payload[8..]), offset + FrameHeader.Size + BackupWriter.ChunkHeaderSize, payload.Length - BackupWriter.ChunkHeaderSize);
            }
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.BackupDamaged)
        {
            // What was noted so far may still hold what we look for.
        }
    }

    private PiecedFile FileOf(SortedDictionary<int, PiecedFile> files, int number)
    {
        if (!files.TryGetValue(number, out PiecedFile? file)) files[number] = file = new PiecedFile(backup);
        return file;
    }

    /// <summary>A file that lies in pieces in a backup, to be read only.</summary>
    private sealed class PiecedFile(IStorageFile backup) : IStorageFile
    {
        private readonly List<(long Start, long At, int Length)> pieces = [];

        public string Path => backup.Path;

        public long Length => pieces.Count == 0 ? 0 : pieces[^1].Start + pieces[^1].Length;

        /// <summary>Pieces come in order.</summary>
        public void Add(long start, long at, int length) => pieces.Add((start, at, length));

        public int Read(Span<byte> buffer, long offset)
        {
            int low = 0, high = pieces.Count - 1;
            while (low <= high)
            {
                int middle = (low + high) / 2;
                (long start, long at, int length) = pieces[middle];
                if (offset < start) high = middle - 1;
                else if (offset >= start + length) low = middle + 1;
                else return backup.Read(buffer[..(int)Math.Min(buffer.Length, start + length - offset)], at + offset - start);
            }
            return 0;
        }

        public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException();

        public void Flush() => throw new NotSupportedException();

        public void SetLength(long length) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
