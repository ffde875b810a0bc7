namespace MessageStore.Searching;

/// <summary>Where words go as they are found.</summary>
internal interface IWordSink
{
    /// <summary>A word, folded.</summary>
    /// <param name="isSide">Whether it stands beside the words of the text rather than among them: an address as a whole, the last character of a run without spaces.</param>
    void Word(ReadOnlySpan<char> word, SearchFields field, bool isSide);

    /// <summary>What follows is not the continuation of what came: another field, another part.</summary>
    void Gap();
}
