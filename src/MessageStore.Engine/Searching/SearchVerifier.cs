using System.Text;

namespace MessageStore.Searching;

/// <summary>Reads messages to see whether they fulfil a plan to the letter: phrases, which the index does not hold. Not thread-safe.</summary>
internal sealed class SearchVerifier : IWordSink
{
    private readonly SearchPlan plan;
    private readonly MessageWords words;
    private readonly DocumentWords all = new();
    private readonly List<PhraseMatch> phrases;

    public SearchVerifier(SearchPlan plan)
    {
        this.plan = plan;
        phrases = [.. plan.Clauses.Where(c => c.IsPhrase).Select(c => new PhraseMatch(c))];
        words = new MessageWords(this);
    }

    /// <summary>Whether a message fulfils the plan. The stream stays open.</summary>
    public bool Matches(Stream message, CancellationToken cancellationToken)
    {
        all.Clear();
        foreach (PhraseMatch phrase in phrases) phrase.Reset();
        words.Read(message, cancellationToken);
        return phrases.TrueForAll(p => p.IsFound != p.Clause.IsNot) && plan.Clauses.Where(c => !c.IsPhrase).All(c => HasWord(c.Terms[0]) != c.IsNot);
    }

    public void Word(ReadOnlySpan<char> word, SearchFields field, bool isSide)
    {
        all.Word(word, field, isSide);
        if (isSide || phrases.Count == 0) return;
        Span<byte> bytes = stackalloc byte[TermTable.TermLimit];
        bytes = bytes[..Encoding.UTF8.GetBytes(word, bytes)];
        foreach (PhraseMatch phrase in phrases) phrase.Next(bytes, field);
    }

    public void Gap()
    {
        foreach (PhraseMatch phrase in phrases) phrase.Gap();
    }

    private bool HasWord(TermTest test)
    {
        if (!test.IsPrefix) return (all.Find(test.Term) & test.Fields) != 0;
        for (int i = 0; i < all.Count; i++)
            if ((all.Fields(i) & test.Fields) != 0 && all.Term(i).StartsWith(test.Term))
                return true;
        return false;
    }

    /// <summary>How far each possible beginning of a phrase has come.</summary>
    private sealed class PhraseMatch(SearchClause clause)
    {
        private readonly bool[] reached = new bool[clause.Terms.Count];

        public SearchClause Clause => clause;

        public bool IsFound { get; private set; }

        public void Reset()
        {
            IsFound = false;
            Gap();
        }

        public void Gap() => Array.Clear(reached);

        public void Next(ReadOnlySpan<byte> word, SearchFields field)
        {
            for (int place = clause.Terms.Count - 1; place >= 0; place--)
            {
                TermTest test = clause.Terms[place];
                bool isMatch = (field & test.Fields) != 0 && (test.IsPrefix ? word.StartsWith(test.Term) : word.SequenceEqual(test.Term));
                reached[place] = isMatch && (place == 0 || reached[place - 1]);
            }
            IsFound |= reached[^1];
        }
    }
}
