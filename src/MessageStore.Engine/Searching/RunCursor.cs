namespace MessageStore.Searching;

/// <summary>Goes over the chunks of postings of a run in the order of their terms, one block in memory. Not thread-safe.</summary>
internal sealed class RunCursor
{
    private readonly SearchRun run;
    private readonly byte[] term = new byte[TermTable.TermLimit];
    private byte[]? buffer;
    private int block;
    private int payloadLength = -1;
    private int at;
    private int termLength;
    private int postingsStart;
    private int postingsLength;

    /// <summary>Stands before the first chunk of the run, or of a block.</summary>
    public RunCursor(SearchRun run, int block = 0)
    {
        this.run = run;
        this.block = block;
    }

    public ReadOnlySpan<byte> Term => term.AsSpan(0, termLength);

    /// <summary>Documents in this chunk.</summary>
    public int Count { get; private set; }

    public int FirstDocument { get; private set; }

    public int LastDocument { get; private set; }

    /// <summary>Moves to the next chunk.</summary>
    /// <returns><see langword="false"/> at the end of the run.</returns>
    /// <exception cref="FormatException">The run is damaged.</exception>
    public bool Next()
    {
        while (at >= payloadLength)
        {
            if (payloadLength >= 0) block++;
            if (block >= run.BlockCount) return false;
            payloadLength = run.ReadBlock(block, ref buffer).Length;
            at = termLength = 0;
        }
        ReadOnlySpan<byte> payload = Payload;
        int shared = Varint.ReadInt(payload, ref at), rest = Varint.ReadInt(payload, ref at);
        if (shared > termLength || rest > term.Length - shared || rest > payload.Length - at) throw Nonsense();
        payload.Slice(at, rest).CopyTo(term.AsSpan(shared));
        at += rest;
        termLength = shared + rest;
        Count = Varint.ReadInt(payload, ref at);
        FirstDocument = Varint.ReadInt(payload, ref at);
        LastDocument = FirstDocument + Varint.ReadInt(payload, ref at);
        postingsLength = Varint.ReadInt(payload, ref at);
        postingsStart = at;
        if (postingsLength > payload.Length - at || LastDocument >= run.DocumentCount) throw Nonsense();
        at += postingsLength;
        return true;
    }

    /// <summary>Leaves out blocks that hold nothing but this term's documents before one.</summary>
    public void SkipTo(int document)
    {
        int next = block;
        while (next + 1 < run.BlockCount && run.FirstTermOf(next + 1).SequenceEqual(Term) && run.FirstDocumentOf(next + 1) <= document) next++;
        if (next == block) return;
        block = next;
        payloadLength = -1;
        at = 0;
    }

    /// <summary>Writes the documents of this chunk, and their fields, into the lists.</summary>
    /// <param name="documents">Room for <see cref="Count"/>.</param>
    /// <param name="fields">The same, or nothing where fields are not wanted.</param>
    public void Decode(Span<int> documents, Span<SearchFields> fields)
    {
        ReadOnlySpan<byte> postings = Payload.Slice(postingsStart, postingsLength);
        int position = 0;
        int document = FirstDocument;
        for (int i = 0; i < Count; i++)
        {
            int number = Varint.ReadInt(postings, ref position);
            document += number >> 1;
            SearchFields here = SearchFields.Body;
            if ((number & 1) != 0)
            {
                if (position >= postings.Length) throw Nonsense();
                here = (SearchFields)postings[position++];
            }
            documents[i] = document;
            fields[i] = here;
        }
        if (document != LastDocument) throw Nonsense();
    }

    private ReadOnlySpan<byte> Payload => buffer.AsSpan(IO.FrameHeader.Size, payloadLength);

    private FormatException Nonsense() => new($"{run.Path} has a block that makes no sense.");
}
