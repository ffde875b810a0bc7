using System.Buffers.Binary;

namespace MessageStore.Keys;

/// <summary>
/// From a message's Id to where its keys lie in the journal: 12 bytes a slot, 15 to 30 bytes a key. Extendible hashing: pages of open addressing, found through a directory by the first bits
/// of a tag's hash; an Id with several keys takes several slots. A page that is full is divided, and one page is all that is new then: a table that was doubled in one piece would leave as
/// much as it holds to the garbage collector, and no single insert pays for rehashing millions. Holds a 64-bit tag instead of the Id, so a hit is to be confirmed against the journal. Not
/// thread-safe.
/// </summary>
internal sealed class KeyTable
{
    /// <summary>Positions count units of this many bytes, so that 32 bits reach 32 GiB.</summary>
    public const int Unit = 8;

    /// <summary>Slots of a page that is divided rather than made larger: with 12 KiB it stays out of the large object heap.</summary>
    public const int PageSlots = 1024;

    /// <summary>The directory has 2 to the power of this many entries at most. That is reached where very many keys have one tag; their page grows then.</summary>
    private const int MostBits = 20;

    private const int SmallestPage = 64;

    private readonly ulong[] oldTags = new ulong[PageSlots];
    private readonly uint[] oldPositions = new uint[PageSlots];
    private KeyTablePage[] directory = [new KeyTablePage(SmallestPage, depth: 0)];
    private int bits;
    private long pageBytes = SmallestPage * KeyTablePage.SlotBytes;

    public int Count { get; private set; }

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => pageBytes + (long)directory.Length * IntPtr.Size;

    /// <summary>The tag of an Id in RFC 9562 byte order. The last 62 bits of a UUIDv7 are random already.</summary>
    public static ulong Tag(ReadOnlySpan<byte> id) =>
        (BinaryPrimitives.ReadUInt64BigEndian(id) * KeyTablePage.Mixer) ^ BinaryPrimitives.ReadUInt64BigEndian(id[8..]);

    public void Add(ulong tag, uint position)
    {
        ArgumentOutOfRangeException.ThrowIfZero(position);
        while (PageOf(tag).IsFull) Extend(PageOf(tag), tag);
        PageOf(tag).Add(tag, position);
        Count++;
    }

    /// <summary>
    /// Steps through the positions under a tag: begin with <paramref name="cursor"/> -1. The table must not change in between.
    /// </summary>
    public bool TryNext(ulong tag, ref int cursor, out uint position) => PageOf(tag).TryNext(tag, ref cursor, out position);

    public bool Contains(ulong tag, uint position)
    {
        int cursor = -1;
        while (TryNext(tag, ref cursor, out uint candidate))
            if (candidate == position) return true;
        return false;
    }

    public bool Remove(ulong tag, uint position)
    {
        if (!PageOf(tag).Remove(tag, position)) return false;
        Count--;
        return true;
    }

    private KeyTablePage PageOf(ulong tag) => directory[DirectoryIndex(tag)];

    /// <summary>The first bits of the hash; a page goes by others.</summary>
    private int DirectoryIndex(ulong tag) => (int)(tag * KeyTablePage.Mixer >> (63 - bits) >> 1);

    private void Extend(KeyTablePage page, ulong tag)
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
    private void Divide(KeyTablePage page, ulong tag)
    {
        if (page.Depth == bits) DoubleDirectory();
        var upper = new KeyTablePage(PageSlots, ++page.Depth);
        pageBytes += upper.Bytes;
        int count = 1 << (bits - page.Depth); // directory entries of each half
        int first = DirectoryIndex(tag) & -(2 * count);
        Array.Fill(directory, upper, first + count, count);
        page.MoveOut(oldTags, oldPositions);
        for (int slot = 0; slot < PageSlots; slot++)
            if (oldPositions[slot] != 0) PageOf(oldTags[slot]).Add(oldTags[slot], oldPositions[slot]);
    }

    private void DoubleDirectory()
    {
        var doubled = new KeyTablePage[directory.Length * 2];
        for (int i = 0; i < doubled.Length; i++) doubled[i] = directory[i / 2];
        directory = doubled;
        bits++;
    }
}
