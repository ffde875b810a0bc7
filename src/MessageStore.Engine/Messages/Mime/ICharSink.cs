namespace MessageStore.Messages.Mime;

/// <summary>Where decoded text goes, piece by piece.</summary>
internal interface ICharSink
{
    void Write(ReadOnlySpan<char> text);
}
