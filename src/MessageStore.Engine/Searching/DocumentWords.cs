using System.Text;

namespace MessageStore.Searching;

/// <summary>The words of one message, each once, with all the fields it stands in. Used again for the next message. Not thread-safe.</summary>
internal sealed class DocumentWords : IWordSink
{
    /// <summary>A table that grew beyond this many terms is not kept for the next message.</summary>
    private const int KeptTerms = 1 << 12;

    private readonly List<SearchFields> fields = [];
    private TermTable terms = new();

    /// <summary>Words.</summary>
    public int Count => terms.Count;

    public ReadOnlySpan<byte> Term(int number) => terms[number];

    /// <summary>For <see cref="TermTable.Add(ReadOnlySpan{byte}, uint)"/>.</summary>
    public uint HashOf(int number) => terms.HashOf(number);

    public SearchFields Fields(int number) => fields[number];

    /// <summary>The fields that a term stands in.</summary>
    public SearchFields Find(ReadOnlySpan<byte> term)
    {
        int number = terms.Find(term);
        return number < 0 ? SearchFields.None : fields[number];
    }

    public void Clear()
    {
        if (terms.Count > KeptTerms) terms = new TermTable();
        else terms.Clear();
        fields.Clear();
    }

    public void Word(ReadOnlySpan<char> word, SearchFields field, bool isSide)
    {
        Span<byte> bytes = stackalloc byte[TermTable.TermLimit];
        int number = terms.Add(bytes[..Encoding.UTF8.GetBytes(word, bytes)]);
        if (number == fields.Count) fields.Add(field);
        else fields[number] |= field;
    }

    public void Gap()
    {
    }
}
