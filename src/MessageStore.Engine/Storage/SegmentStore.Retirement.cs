using System.Collections.Concurrent;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// Segments that no message lives in any more. Their files outlive them: as long as a snapshot that names them is kept, because opening from it needs
/// them, and as long as somebody reads them.
/// </summary>
internal sealed partial class SegmentStore
{
    private const string Extension = ".seg";

    private readonly ConcurrentDictionary<int, RetiredSegment> retired = [];

    /// <summary>Bytes of files that wait to be deleted.</summary>
    public long RetiredBytes => retired.Values.Sum(r => r.Bytes);

    public int RetiredCount => retired.Count;

    /// <summary>Ends the current segment: the next image begins a new one. On the committer's thread.</summary>
    public void Seal() => current = Create((current?.Number ?? 0) + 1);

    /// <summary>Takes an empty segment out of the store: from now on nobody finds it, and checkpoints do not name it.</summary>
    public void Retire(Segment segment)
    {
        retired[segment.Number] = new RetiredSegment(segment, segment.Length);
        segments.TryRemove(segment.Number, out _);
        segment.Dispose();
    }

    /// <summary>Deletes the files of retired segments that no kept snapshot names and nobody reads.</summary>
    /// <param name="isNamed">Whether a kept snapshot names a segment.</param>
    /// <returns>Bytes of the files deleted.</returns>
    public long DeleteRetired(Func<int, bool> isNamed)
    {
        long bytes = 0;
        foreach ((int number, RetiredSegment old) in retired)
        {
            if (old.Segment is { IsClosed: false } || isNamed(number)) continue;
            if (!segments.ContainsKey(number)) storage.DeleteFile(PathOf(number));
            if (retired.TryRemove(number, out _)) bytes += old.Bytes;
        }
        if (bytes > 0) storage.FlushFolder(folder);
        return bytes;
    }

    /// <summary>
    /// Deletes the files of a crash that neither the checkpoint nor replay has a use for, but for those that an older checkpoint names: it is there for the
    /// day on which the newer one is found damaged. Not before all of the log has been understood.
    /// </summary>
    public void DeleteLeftovers(Func<int, bool> isNamed)
    {
        foreach (string path in storage.ListFiles(folder))
        {
            if (!path.EndsWith(Extension, StringComparison.Ordinal) || segments.Keys.Any(number => PathOf(number) == path)) continue;
            if (int.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && isNamed(number))
                retired[number] = new RetiredSegment(null, storage.FileLength(path));
            else
                storage.DeleteFile(path);
        }
    }

    /// <param name="Segment">None where it was retired before the group was opened.</param>
    private readonly record struct RetiredSegment(Segment? Segment, long Bytes);
}
