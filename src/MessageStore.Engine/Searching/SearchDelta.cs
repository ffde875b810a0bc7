using System.Buffers;
using System.Collections;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>
/// The messages that are indexed but not on disk yet: terms in a table, postings as they came (8 bytes each), so that adding is cheap and a question goes over all of them. Bounded: the
/// owner writes it out as a run when it is full. Its arrays are the pool's, for the next one. Not thread-safe.
/// </summary>
internal sealed class SearchDelta : IDisposable
{
    private const int ChunkLength = 1 << 16;
    private const int FieldBits = 8;

    /// <summary>Documents are numbered in this many bits, terms in those above the fields.</summary>
    private const int DocumentBits = 26;

    private readonly TermTable terms = new();
    private readonly List<ulong[]> chunks = [];
    private readonly List<UInt128Bytes> ids = [];
    private readonly List<int> slots = [];

    /// <summary>Messages in it.</summary>
    public int DocumentCount => ids.Count;

    /// <summary>Postings in it.</summary>
    public int PostingCount { get; private set; }

    /// <summary>Bytes of memory, near enough.</summary>
    public long Bytes => terms.Bytes + chunks.Count * (long)ChunkLength * sizeof(ulong) + ids.Count * 20L;

    /// <summary>Characters of text that were read, and messages of which not all was.</summary>
    public long TextLength { get; private set; }

    public int CutCount { get; private set; }

    public TermTable Terms => terms;

    public UInt128Bytes IdOf(int document) => ids[document];

    public int SlotOf(int document) => slots[document];

    /// <summary>Adds a message with its words.</summary>
    public void Add(UInt128Bytes id, int slot, DocumentWords words, int textLength, bool isCut)
    {
        int document = ids.Count;
        for (int i = 0; i < words.Count; i++)
        {
            if (PostingCount == chunks.Count * ChunkLength) chunks.Add(ArrayPool<ulong>.Shared.Rent(ChunkLength));
            ulong term = (uint)terms.Add(words.Term(i), words.HashOf(i));
            chunks[PostingCount / ChunkLength][PostingCount % ChunkLength] = (term << (FieldBits + DocumentBits)) | ((ulong)(uint)document << FieldBits) | (byte)words.Fields(i);
            PostingCount++;
        }
        ids.Add(id);
        slots.Add(slot);
        TextLength += textLength;
        if (isCut) CutCount++;
    }

    /// <summary>Marks the documents that have a term, or one of several, in some field: one pass over all postings.</summary>
    /// <param name="wanted">Numbers of terms, at least one.</param>
    /// <param name="marked">One bit for each document.</param>
    public void Mark(IReadOnlyList<int> wanted, SearchFields fields, BitArray marked)
    {
        ulong only = wanted.Count == 1 ? (ulong)(uint)wanted[0] : ulong.MaxValue;
        var several = new BitArray(wanted.Count == 1 ? 0 : terms.Count);
        if (wanted.Count > 1)
            foreach (int term in wanted)
                several[term] = true;
        for (int start = 0; start < PostingCount; start += ChunkLength)
        {
            foreach (ulong posting in chunks[start / ChunkLength].AsSpan(0, Math.Min(ChunkLength, PostingCount - start)))
            {
                ulong term = posting >> (FieldBits + DocumentBits);
                if (only != ulong.MaxValue ? term != only : !several[(int)term]) continue;
                if (((SearchFields)(byte)posting & fields) != 0) marked[DocumentOf(posting)] = true;
            }
        }
    }

    /// <summary>Writes all of it as the content of a run, terms in the order of their bytes.</summary>
    public void WriteTo(RunWriter writer)
    {
        foreach (UInt128Bytes id in ids) writer.AddId(id);
        int[] order = terms.InOrder();
        int[] starts = new int[terms.Count + 1];
        for (int i = 0; i < PostingCount; i++) starts[TermOf(chunks[i / ChunkLength][i % ChunkLength]) + 1]++;
        for (int term = 0; term < order.Length; term++) starts[term + 1] += starts[term];
        int[] sorted = ArrayPool<int>.Shared.Rent(PostingCount);
        int[] next = starts[..^1];
        for (int i = 0; i < PostingCount; i++) sorted[next[TermOf(chunks[i / ChunkLength][i % ChunkLength])]++] = i;
        foreach (int term in order)
        {
            if (starts[term] == starts[term + 1]) continue;
            writer.BeginTerm(terms[term]);
            for (int i = starts[term]; i < starts[term + 1]; i++)
            {
                ulong posting = chunks[sorted[i] / ChunkLength][sorted[i] % ChunkLength];
                writer.Post(DocumentOf(posting), (SearchFields)(byte)posting);
            }
        }
        ArrayPool<int>.Shared.Return(sorted);
    }

    /// <summary>Gives its memory back; nobody may ask it any more.</summary>
    public void Dispose()
    {
        foreach (ulong[] chunk in chunks) ArrayPool<ulong>.Shared.Return(chunk);
        chunks.Clear();
        PostingCount = 0;
    }

    private static int TermOf(ulong posting) => (int)(posting >> (FieldBits + DocumentBits));

    private static int DocumentOf(ulong posting) => (int)(posting >> FieldBits) & ((1 << DocumentBits) - 1);
}
