using System.Numerics;

namespace MessageStore.Keys;

/// <summary>
/// From a message's Id to places: of its keys in a journal, of its records in a storage unit. A slot is 8 bytes of tag (<see cref="IdTag"/>) and the place; 1.25 to 2.5 slots a place. Extendible
/// hashing: pages of open addressing, found through a directory by the first bits of a tag's hash; an Id with several places takes several slots. A page that is full is divided, and one page
/// is all that is new then: a table that was doubled in one piece would leave as much as it holds to the garbage collector, and no single insert pays for rehashing millions. Not thread-safe.
/// </summary>
/// <typeparam name="TPlace">An integer as wide as the places need; never 0.</typeparam>
internal sealed class PlaceTable<TPlace>
    where TPlace : unmanaged, INumberBase<TPlace>
{
    /// <summary>Slots of a page that is divided rather than made larger: with at most 16 KiB it stays out of the large object heap.</summary>
    public const int PageSlots = 1024;

    /// <summary>The directory has 2 to the power of this many entries at most. That is reached where very many places have one tag; their page grows then.</summary>
    private const int MostBits = 20;

    private const int SmallestPage = 64;

    private readonly ulong[] oldTags = new ulong[PageSlots];
    private readonly TPlace[] oldPlaces = new TPlace[PageSlots];
    private PlaceTablePage<TPlace>[] directory = [new PlaceTablePage<TPlace>(SmallestPage, depth: 0)];
    private int bits;
    private long pageBytes;

    public PlaceTable() => pageBytes = directory[0].Bytes;

    public int Count { get; private set; }

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => pageBytes + (long)directory.Length * IntPtr.Size;

    public void Add(ulong tag, TPlace place)
    {
        ArgumentOutOfRangeException.ThrowIfZero(place);
        while (PageOf(tag).IsFull) Extend(PageOf(tag), tag);
        PageOf(tag).Add(tag, place);
        Count++;
    }

    /// <summary>
    /// Steps through the places under a tag: begin with <paramref name="cursor"/> -1. The table must not change in between.
    /// </summary>
    public bool TryNext(ulong tag, ref int cursor, out TPlace place) => PageOf(tag).TryNext(tag, ref cursor, out place);

    public bool Contains(ulong tag, TPlace place)
    {
        int cursor = -1;
        while (TryNext(tag, ref cursor, out TPlace candidate))
            if (candidate == place) return true;
        return false;
    }

    public bool Remove(ulong tag, TPlace place)
    {
        if (!PageOf(tag).Remove(tag, place)) return false;
        Count--;
        return true;
    }

    /// <summary>Removes every place for which a condition holds, at the price of looking at every slot.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveWhere(Predicate<TPlace> isGone)
    {
        int removed = 0;
        for (int i = 0; i < directory.Length; i++)
            if (i == 0 || directory[i] != directory[i - 1]) removed += directory[i].RemoveWhere(isGone); // the entries of a page are neighbours
        Count -= removed;
        return removed;
    }

    private PlaceTablePage<TPlace> PageOf(ulong tag) => directory[DirectoryIndex(tag)];

    /// <summary>The first bits of the hash; a page goes by others.</summary>
    private int DirectoryIndex(ulong tag) => (int)(IdTag.Hash(tag) >> (63 - bits) >> 1);

    private void Extend(PlaceTablePage<TPlace> page, ulong tag)
    {
        if (page.Capacity >= PageSlots && page.Depth < MostBits)
        {
            Divide(page, tag);
            return;
        }
        pageBytes += page.Bytes;
        page.Double();
    }

    /// <summary>Gives half of a page's hashes a page of their own.</summary>
    private void Divide(PlaceTablePage<TPlace> page, ulong tag)
    {
        if (page.Depth == bits) DoubleDirectory();
        var upper = new PlaceTablePage<TPlace>(PageSlots, ++page.Depth);
        pageBytes += upper.Bytes;
        int count = 1 << (bits - page.Depth); // directory entries of each half
        int first = DirectoryIndex(tag) & -(2 * count);
        Array.Fill(directory, upper, first + count, count);
        page.MoveOut(oldTags, oldPlaces);
        for (int slot = 0; slot < PageSlots; slot++)
            if (!TPlace.IsZero(oldPlaces[slot])) PageOf(oldTags[slot]).Add(oldTags[slot], oldPlaces[slot]);
    }

    private void DoubleDirectory()
    {
        var doubled = new PlaceTablePage<TPlace>[directory.Length * 2];
        for (int i = 0; i < doubled.Length; i++) doubled[i] = directory[i / 2];
        directory = doubled;
        bits++;
    }
}
