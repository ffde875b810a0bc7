using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MessageStore.Storage;

/// <summary>An image by the message that it belongs to and where it lies in its segment.</summary>
internal readonly record struct ImagePlace(UInt128Bytes Id, uint Offset8) : IComparable<ImagePlace>
{
    public int CompareTo(ImagePlace other) => Offset8.CompareTo(other.Offset8);
}

/// <summary>Where images lie, and looks over all entries that do not keep users waiting. A location is no part of what a group holds: changing one is no transaction and leaves the state digest alone.</summary>
internal sealed partial class MessageIndex
{
    /// <summary>How many slots are looked at a time while the lock is held.</summary>
    private const int SlotsPerLook = 4096;

    /// <summary>How many images lie in some segments. Takes the lock itself, for a moment at a time; nothing is ever added to these segments, so there may be fewer by the end.</summary>
    public Dictionary<int, int> CountImages(IEnumerable<int> segments)
    {
        Dictionary<int, int> counts = segments.ToDictionary(s => s, _ => 0);
        LookOver((in IndexEntry entry) =>
        {
            ref int count = ref CollectionsMarshal.GetValueRefOrNullRef(counts, entry.Segment);
            if (!Unsafe.IsNullRef(ref count)) count++;
        });
        return counts;
    }

    /// <summary>
    /// The images in some segments, by offset. Takes the lock itself, for a moment at a time: nothing is ever added to these segments, so what is missed
    /// meanwhile is only what leaves them.
    /// </summary>
    /// <param name="segments">With how many images lie in each at most, so that no list has to grow.</param>
    public Dictionary<int, List<ImagePlace>> ImagesIn(IEnumerable<KeyValuePair<int, int>> segments)
    {
        Dictionary<int, List<ImagePlace>> found = segments.ToDictionary(s => s.Key, s => new List<ImagePlace>(s.Value));
        LookOver((in IndexEntry entry) =>
        {
            if (found.TryGetValue(entry.Segment, out List<ImagePlace>? images)) images.Add(new ImagePlace(entry.Id, entry.Offset8));
        });
        foreach (List<ImagePlace> images in found.Values) images.Sort();
        return found;
    }

    private delegate void EntryLook(in IndexEntry entry);

    /// <summary>Shows all messages there are, some thousands at a time while the lock is held.</summary>
    private void LookOver(EntryLook look)
    {
        int limit;
        lock (Gate) limit = pages.SlotLimit;
        for (int start = 0; start < limit; start += SlotsPerLook)
            lock (Gate)
                for (int slot = start; slot < Math.Min(limit, start + SlotsPerLook); slot++)
                    if (pages[slot].IsInUse) look(pages[slot]);
    }

    /// <summary>The share of all messages in the state digest, from the entries. Takes the lock itself, for a moment at a time.</summary>
    public UInt128 MessagesDigest()
    {
        UInt128 sum = 0;
        for (int start = 0, limit = 1; start < limit; start += SlotsPerLook)
        {
            lock (Gate)
            {
                limit = pages.SlotLimit;
                for (int slot = start; slot < Math.Min(limit, start + SlotsPerLook); slot++)
                    if (pages[slot].IsInUse) sum += pages[slot].StateHash();
            }
        }
        return sum;
    }

    /// <summary>Points a message at another copy of its image.</summary>
    public void Relocate(int slot, int segment, long offset, ushort summaryLength)
    {
        ref IndexEntry entry = ref pages.Mutable(slot);
        entry.Segment = segment;
        entry.Offset8 = (uint)(offset / 8);
        entry.SummaryLength = summaryLength;
    }
}
