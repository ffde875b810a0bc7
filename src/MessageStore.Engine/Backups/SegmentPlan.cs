using System.Runtime.InteropServices;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Which bytes of a group's segments a set must hold because its base does not (docs/format-backup.md, "A segment in a chain"). Nothing is taken for granted:
/// the base's index is read beside the group's own, entry by entry, and a segment in which one message lies elsewhere is copied whole.
/// </summary>
internal static class SegmentPlan
{
    /// <param name="below">The base; <see langword="null"/> for a full backup.</param>
    /// <exception cref="MessageStoreException">BackupDamaged, StoreDamaged.</exception>
    public static IReadOnlyList<SegmentMark> Make(IStorage storage, GroupImage image, GroupIdentity identity, BackupReader? below)
    {
        Dictionary<int, long> held = below is null ? [] : Held(storage, image, identity, below);
        return [.. image.Tables.Segments.Select(s => new SegmentMark(s.Number, s.Length, held.GetValueOrDefault(s.Number)))];
    }

    /// <summary>How many bytes from the beginning of each segment the base holds.</summary>
    private static Dictionary<int, long> Held(IStorage storage, GroupImage image, GroupIdentity identity, BackupReader below)
    {
        GroupContents contents = below.Contents.Groups.First(g => g.Begin.Name == identity.Name);
        Dictionary<int, long> held = contents.Begin.Segments.ToDictionary(s => s.Number, s => s.Length);
        foreach (SegmentInfo segment in image.Tables.Segments)
            if (held.GetValueOrDefault(segment.Number) > segment.Length) held.Remove(segment.Number);
        foreach (PendingAppend append in image.Tables.Pending)
            if (held.GetValueOrDefault(append.Segment) > append.Offset) held.Remove(append.Segment); // its bytes came, and will come, after the base

        using IStorageFile ownFile = storage.Open(image.SnapshotPath, FileAccessKind.Read);
        using IStorageFile baseFile = new SnapshotInBackup(below, contents);
        using SnapshotPages own = IndexSnapshot.OpenPages(ownFile, identity);
        using SnapshotPages others = IndexSnapshot.OpenPages(baseFile, identity);
        while (own.TryNext(out ReadOnlySpan<byte> entries))
        {
            others.TryNext(out ReadOnlySpan<byte> baseEntries);
            Compare(MemoryMarshal.Cast<byte, IndexEntry>(entries), MemoryMarshal.Cast<byte, IndexEntry>(baseEntries), held);
        }
        return held;
    }

    private static void Compare(ReadOnlySpan<IndexEntry> own, ReadOnlySpan<IndexEntry> others, Dictionary<int, long> held)
    {
        for (int i = 0; i < own.Length; i++)
        {
            ref readonly IndexEntry entry = ref own[i];
            if (!entry.IsInUse || held.GetValueOrDefault(entry.Segment) <= entry.Offset) continue;
            if (i >= others.Length || !IsSameImage(entry, others[i])) held.Remove(entry.Segment);
        }
    }

    private static bool IsSameImage(in IndexEntry a, in IndexEntry b) =>
        b.IsInUse && a.Id == b.Id && a.ContentDigest == b.ContentDigest && a.Segment == b.Segment && a.Offset8 == b.Offset8
        && a.Length == b.Length && a.SummaryLength == b.SummaryLength && a.IsArchived == b.IsArchived;
}
