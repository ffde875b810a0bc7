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

    /// <summary>
    /// The images in some segments, by offset. Takes the lock itself, for a moment at a time: nothing is ever added to these segments, so what is missed
    /// meanwhile is only what leaves them.
    /// </summary>
    public Dictionary<int, List<ImagePlace>> ImagesIn(IReadOnlyCollection<int> segments)
    {
        Dictionary<int, List<ImagePlace>> found = segments.ToDictionary(s => s, _ => new List<ImagePlace>());
        int limit;
        lock (Gate) limit = pages.SlotLimit;
        for (int start = 0; start < limit; start += SlotsPerLook)
        {
            lock (Gate)
            {
                for (int slot = start; slot < Math.Min(limit, start + SlotsPerLook); slot++)
                {
                    ref readonly IndexEntry entry = ref pages[slot];
                    if (entry.IsInUse && found.TryGetValue(entry.Segment, out List<ImagePlace>? images)) images.Add(new ImagePlace(entry.Id, entry.Offset8));
                }
            }
        }
        foreach (List<ImagePlace> images in found.Values) images.Sort();
        return found;
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
