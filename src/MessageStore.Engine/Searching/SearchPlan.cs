namespace MessageStore.Searching;

/// <summary>A term that a message must have, in one of the fields.</summary>
/// <param name="Term">UTF-8, folded.</param>
/// <param name="IsPrefix">Whether every term that begins so will do.</param>
internal sealed record TermTest(byte[] Term, SearchFields Fields, bool IsPrefix);

/// <summary>One condition on the words of a message.</summary>
/// <param name="Terms">All of them together.</param>
/// <param name="IsNot">Whether messages that fulfil it are left out.</param>
/// <param name="IsPhrase">Whether the terms must follow each other, which only reading the message tells.</param>
internal sealed record SearchClause(IReadOnlyList<TermTest> Terms, bool IsNot, bool IsPhrase);

/// <summary>The words that are looked for; all clauses hold together.</summary>
internal sealed record SearchPlan(IReadOnlyList<SearchClause> Clauses)
{
    /// <summary>Whether words are looked for that a listing does not show.</summary>
    public bool NeedsText => Clauses.Any(c => c.Terms.Any(t => (t.Fields & (SearchFields.Body | SearchFields.Attachment)) != 0));

    /// <summary>Whether the index alone cannot tell.</summary>
    public bool NeedsReading => Clauses.Any(c => c.IsPhrase);

    /// <summary>What the index is asked for.</summary>
    public IEnumerable<TermTest> Required => Clauses.Where(c => !c.IsNot).SelectMany(c => c.Terms);

    /// <summary>What the index leaves out: phrases are not, since their words may stand apart.</summary>
    public IEnumerable<TermTest> Excluded => Clauses.Where(c => c.IsNot && !c.IsPhrase).SelectMany(c => c.Terms);
}
