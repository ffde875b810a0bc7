using MessageStore.Messages.Mime;

namespace MessageStore.Searching;

/// <summary>
/// Finds the words of a text, piece by piece (docs/search.md, "Words"): runs of letters and digits, folded; mail addresses also whole; scripts without spaces in pairs. Allocates nothing.
/// </summary>
internal sealed class WordBreaker(IWordSink sink) : ICharSink
{
    /// <summary>Longest word, in UTF-16 units; of a longer one this much counts.</summary>
    public const int WordLimit = 40;

    /// <summary>Longest address that is indexed whole.</summary>
    public const int AddressLimit = 80;

    private readonly char[] word = new char[WordLimit + 4];
    private readonly char[] address = new char[AddressLimit];
    private readonly char[] pair = new char[4];
    private int wordLength;
    private int addressLength;
    private int at = -1;
    private int previousLength;
    private int unspaced;
    private char highSurrogate;

    /// <summary>Where the words that come stand.</summary>
    public SearchFields Field { get; set; } = SearchFields.Body;

    public void Write(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (char.IsAscii(c)) Ascii(c);
            else Other(c);
        }
    }

    /// <summary>Ends a field or a part.</summary>
    public void Complete()
    {
        highSurrogate = '\0';
        EndWord();
        EndUnspaced();
        EndAddress();
        sink.Gap();
    }

    private void Ascii(char c)
    {
        highSurrogate = '\0';
        if (unspaced > 0) EndUnspaced();
        if (char.IsAsciiLetterOrDigit(c))
        {
            if (char.IsAsciiLetterUpper(c)) c = (char)(c | 0x20);
            if (wordLength < WordLimit) word[wordLength++] = c;
        }
        else
        {
            if (wordLength > 0) EndWord();
            if (c is not ('.' or '@' or '-' or '_' or '+' or '=' or '%'))
            {
                if (addressLength > 0) EndAddress();
                return;
            }
            if (c == '@') at = at < 0 ? addressLength : AddressLimit;
        }
        if (addressLength < AddressLimit) address[addressLength] = c;
        if (addressLength <= AddressLimit) addressLength++;
    }

    private void Other(char c)
    {
        if (char.IsHighSurrogate(c))
        {
            highSurrogate = c;
            return;
        }
        CharKind kind = TextFolding.KindOf(c);
        if (char.IsLowSurrogate(c))
        {
            if (highSurrogate == '\0') return;
            kind = TextFolding.KindOf(char.ConvertToUtf32(highSurrogate, c));
        }
        else
        {
            highSurrogate = '\0';
        }
        if (kind == CharKind.Ignored) return;
        if (kind != CharKind.Unspaced) EndUnspaced();
        if (kind == CharKind.Word)
        {
            // What touches such a letter is no address of the kind that is indexed whole.
            addressLength = AddressLimit + 1;
            AddToWord(c);
        }
        else
        {
            EndWord();
            EndAddress();
        }
        if (kind == CharKind.Unspaced) AddUnspaced(c);
        highSurrogate = '\0';
    }

    private void AddToWord(char c)
    {
        if (wordLength >= WordLimit) return;
        if (highSurrogate != '\0')
        {
            wordLength += System.Text.Rune.ToLowerInvariant(new System.Text.Rune(highSurrogate, c)).EncodeToUtf16(word.AsSpan(wordLength));
            return;
        }
        char folded = TextFolding.Fold(c, out string? several);
        if (several is null)
        {
            word[wordLength++] = folded;
            return;
        }
        several.CopyTo(word.AsSpan(wordLength));
        wordLength += several.Length;
    }

    /// <summary>Each character with the one before it; the last also alone, so that every character begins a word of the index.</summary>
    private void AddUnspaced(char c)
    {
        int length = 0;
        Span<char> now = stackalloc char[2];
        if (highSurrogate != '\0') now[length++] = highSurrogate;
        now[length++] = highSurrogate != '\0' ? c : TextFolding.Fold(c, out _);
        now[..length].CopyTo(pair.AsSpan(previousLength));
        if (unspaced++ > 0) sink.Word(pair.AsSpan(0, previousLength + length), Field, isSide: false);
        now[..length].CopyTo(pair);
        previousLength = length;
    }

    private void EndUnspaced()
    {
        if (unspaced == 0) return;
        sink.Word(pair.AsSpan(0, previousLength), Field, isSide: unspaced > 1);
        unspaced = 0;
        previousLength = 0;
    }

    private void EndWord()
    {
        if (wordLength == 0) return;
        sink.Word(word.AsSpan(0, Math.Min(wordLength, WordLimit)), Field, isSide: false);
        wordLength = 0;
    }

    private void EndAddress()
    {
        if (addressLength == 0) return;
        if (at >= 0 && at < AddressLimit && addressLength <= AddressLimit)
        {
            ReadOnlySpan<char> local = address.AsSpan(0, at).TrimStart(".-=%");
            ReadOnlySpan<char> domain = address.AsSpan(at + 1, addressLength - at - 1).TrimEnd(".-_=%+");
            if (local.Length > 0 && domain.Length > 0 && char.IsAsciiLetterOrDigit(domain[0]))
                sink.Word(address.AsSpan(at - local.Length, local.Length + 1 + domain.Length), Field, isSide: true);
        }
        addressLength = 0;
        at = -1;
    }
}
