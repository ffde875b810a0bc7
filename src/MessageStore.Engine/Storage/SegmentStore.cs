using System.Collections.Concurrent;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>A segment as a checkpoint records it.</summary>
internal readonly record struct SegmentInfo(int Number, long Length);

/// <summary>
/// A group's segments: append-only files of message images (docs/format-segment.md). One thread, the committer, reserves and writes; any thread reads.
/// Nothing here is durable before <see cref="FlushDirty"/>: the log is what protects a message until the next checkpoint.
/// </summary>
internal sealed partial class SegmentStore(IStorage storage, string folder, GroupIdentity identity, long segmentLimit) : IDisposable
{
    private readonly ConcurrentDictionary<int, Segment> segments = [];
    private Segment? current;

    public string Folder => folder;

    public IEnumerable<Segment> Segments => segments.Values.OrderBy(s => s.Number);

    public long TotalBytes => segments.Values.Sum(s => s.Length);

    public long LiveBytes => segments.Values.Sum(s => s.LiveBytes);

    public static string FileName(int number) => number.ToString("D8", CultureInfo.InvariantCulture) + ".seg";

    public string PathOf(int number) => Path.Combine(folder, FileName(number));

    /// <summary>Opens what a checkpoint names.</summary>
    /// <exception cref="MessageStoreException">StoreDamaged: a segment is missing, too short or somebody else's.</exception>
    public void Open(IReadOnlyList<SegmentInfo> known)
    {
        foreach (SegmentInfo info in known)
        {
            string path = PathOf(info.Number);
            if (!storage.FileExists(path)) throw Damaged(path, "is missing");
            IStorageFile file = storage.Open(path, FileAccessKind.ReadWrite);
            var segment = new Segment(info.Number, file, info.Length);
            segments[info.Number] = segment;
            if (file.Length < info.Length)
                throw Damaged(path, $"has {file.Length} bytes where the checkpoint recorded {info.Length}");
            if (GroupFileHeader.Read(file, out _) is not { Kind: GroupFileKind.Segment } header || header.Number != (ulong)info.Number
                || header.Identity.Salt != identity.Salt || header.Identity.DatabaseId != identity.DatabaseId)
                throw Damaged(path, "is not a segment of this storage group");
            if (current is null || current.Number < info.Number) current = segment;
        }
    }

    /// <summary>Finds room for <paramref name="length"/> bytes at the end of the current segment, or in a new one.</summary>
    public (Segment Segment, long Offset) Reserve(long length)
    {
        if (current is null || (current.Length + length > segmentLimit && current.Length > GroupFileHeader.LongestFrame))
            current = Create((current?.Number ?? 0) + 1);
        long offset = current.Length;
        current.Length += length;
        return (current, offset);
    }

    /// <summary>Gives back the most recent reservations of a group of transactions that failed before its log was written.</summary>
    /// <param name="segment">The current segment before them; <see langword="null"/> where there was none.</param>
    /// <param name="length">Its length then.</param>
    public void Rewind(Segment? segment, long length)
    {
        if (segment is not null) segment.Length = length;
        current = segment;
        foreach (Segment later in segments.Values.Where(s => s.Number > (segment?.Number ?? 0)).ToList())
        {
            segments.TryRemove(later.Number, out _);
            later.Dispose();
            try
            {
                storage.DeleteFile(PathOf(later.Number));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Nothing names it: the next segment of its number begins it anew, or the next opening deletes it.
            }
        }
    }

    /// <summary>Why no checkpoint can be taken until the group is opened again; <see langword="null"/> while all is well.</summary>
    public MessageStoreException? FlushFailure { get; private set; }

    /// <summary>Where the next reservation would begin; <see langword="null"/> before the first.</summary>
    public Segment? Current => current;

    /// <summary>
    /// Makes the file as long as its segment, for an image whose parts come one by one: a checkpoint may record the length before they are there, or
    /// although they never come.
    /// </summary>
    public static void Extend(Segment segment)
    {
        segment.File.SetLength(segment.Length);
        segment.IsDirty = true;
    }

    public static void Write(Segment segment, ReadOnlySpan<byte> bytes, long offset)
    {
        segment.File.Write(bytes, offset);
        // Afterwards: a checkpoint that clears the mark and flushes in between must not take this write for flushed.
        segment.IsDirty = true;
    }

    /// <summary>A segment for reading; disposing it gives it back. <see langword="null"/> where it is gone.</summary>
    public Segment? Acquire(int number) =>
        segments.TryGetValue(number, out Segment? segment) && segment.TryAcquire() ? segment : null;

    /// <summary>A segment for the committer, not counted as a reader.</summary>
    public Segment? Find(int number) => segments.GetValueOrDefault(number);

    /// <summary>Counts bytes of images in or out of use. Called with the index's lock held.</summary>
    public void CountLive(int number, long bytes)
    {
        if (segments.TryGetValue(number, out Segment? segment)) segment.LiveBytes += bytes;
    }

    public List<SegmentInfo> Lengths() => [.. Segments.Select(s => new SegmentInfo(s.Number, s.Length))];

    /// <summary>Makes every image written so far durable.</summary>
    /// <exception cref="MessageStoreException">
    /// A flush failed, now or earlier. What it dropped cannot be made durable by trying again (design §4): only replay at the next opening writes it again.
    /// </exception>
    public void FlushDirty()
    {
        foreach (Segment segment in Segments)
        {
            if (FlushFailure is not null) throw FlushFailure;
            if (!segment.IsDirty || !segment.TryAcquire()) continue;
            segment.IsDirty = false;
            try
            {
                segment.File.Flush();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                FlushFailure = StorageErrors.Wrap(error, "flushing a segment", segment.File.Path);
                throw FlushFailure;
            }
            finally
            {
                segment.Dispose();
            }
        }
        storage.FlushFolder(folder);
    }

    public void Dispose()
    {
        foreach (Segment segment in segments.Values) segment.Dispose();
        segments.Clear();
    }

    private Segment Create(int number)
    {
        IStorageFile file = storage.Open(PathOf(number), FileAccessKind.CreateOrTruncate);
        byte[] header = new GroupFileHeader(GroupFileKind.Segment, identity, (ulong)number).Encode(0, 0);
        var segment = new Segment(number, file, header.Length);
        try
        {
            Write(segment, header, 0);
        }
        catch
        {
            // Nothing may name it: a checkpoint that did could not be opened. The next segment of its number begins it anew.
            segment.Dispose();
            throw;
        }
        retired.TryRemove(number, out _);
        segments[number] = segment;
        return segment;
    }

    private static MessageStoreException Damaged(string path, string what) => new(
        ErrorIds.StoreDamaged, ErrorKind.Damaged, $"Segment {path} {what}. Restore the storage group from its newest backup.", path);
}
