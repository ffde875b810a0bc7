namespace MessageStore.Storage;

/// <summary>
/// The index entries in pages of 1,024, with copy-on-write while a checkpoint is being written: the snapshot shows every page as it was
/// at one transaction although users go on changing it. Callers hold the index's lock.
/// </summary>
internal sealed class EntryPages
{
    /// <summary>Entries in a page; a page of 72 KiB stays out of the large object heap's way.</summary>
    public const int EntriesPerPage = 1024;

    private readonly List<IndexEntry[]> pages = [];
    private Dictionary<int, IndexEntry[]>? frozen;
    private int frozenPageCount;
    private int savedPages;

    public int PageCount => pages.Count;

    /// <summary>One more than the highest slot ever used.</summary>
    public int SlotLimit { get; private set; }

    /// <summary>An entry for reading.</summary>
    public ref readonly IndexEntry this[int slot] => ref pages[slot / EntriesPerPage][slot % EntriesPerPage];

    /// <summary>An entry for changing; keeps the old page for a checkpoint that has not saved it yet.</summary>
    public ref IndexEntry Mutable(int slot)
    {
        int page = slot / EntriesPerPage;
        if (frozen is not null && page >= savedPages && page < frozenPageCount && !frozen.ContainsKey(page))
            frozen.Add(page, (IndexEntry[])pages[page].Clone());
        return ref pages[page][slot % EntriesPerPage];
    }

    /// <summary>A slot that was never used.</summary>
    public int Extend()
    {
        if (SlotLimit == pages.Count * EntriesPerPage) pages.Add(new IndexEntry[EntriesPerPage]);
        return SlotLimit++;
    }

    /// <summary>Adds a whole page read from a snapshot, which then belongs to this object.</summary>
    public void Load(IndexEntry[] page, int used)
    {
        pages.Add(page);
        SlotLimit += used;
    }

    /// <summary>From now on <see cref="CopyFrozen"/> shows the pages as they are at this moment.</summary>
    /// <returns>The number of slots at this moment.</returns>
    public int Freeze()
    {
        frozen = [];
        frozenPageCount = pages.Count;
        savedPages = 0;
        return SlotLimit;
    }

    /// <summary>Copies the next frozen page; pages are asked for in order, once each.</summary>
    public void CopyFrozen(int page, Span<IndexEntry> destination)
    {
        IndexEntry[] source = frozen!.Remove(page, out IndexEntry[]? old) ? old : pages[page];
        source.AsSpan(0, destination.Length).CopyTo(destination);
        savedPages = page + 1;
    }

    public void Thaw() => frozen = null;
}
