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

    /// <summary>What <see cref="AsciiKinds"/> says of a character that may stand in an address, and the least that it says of a letter or a digit.</summary>
    private const byte AddressMark = 1, FirstLetter = (byte)'0';

    /// <summary>For each character of ASCII: its small letter where it belongs to a word, else <see cref="AddressMark"/> or 0.</summary>
    private static readonly byte[] AsciiKinds = MakeAsciiKinds();

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
        while (!text.IsEmpty)
        {
            char c = text[0];
            if (!char.IsAscii(c)) Other(c);
            else if (AsciiKinds[c] >= FirstLetter)
            {
                text = text[Letters(text)..];
                continue;
            }
            else Mark(c, AsciiKinds[c] == AddressMark);
            text = text[1..];
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

    /// <summary>Takes letters and digits of ASCII, of which most texts are made.</summary>
    /// <returns>How many there are before something else comes.</returns>
    private int Letters(ReadOnlySpan<char> text)
    {
        highSurrogate = '\0';
        if (unspaced > 0) EndUnspaced();
        int inWord = wordLength, inAddress = addressLength, count = 0;
        do
        {
            char lower = (char)AsciiKinds[text[count]];
            // There is room for one that is too many.
            word[inWord] = lower;
            if (inWord < WordLimit) inWord++;
            if (inAddress < AddressLimit) address[inAddress] = lower;
            if (inAddress <= AddressLimit) inAddress++;
            count++;
        }
        while (count < text.Length && char.IsAscii(text[count]) && AsciiKinds[text[count]] >= FirstLetter);
        (wordLength, addressLength) = (inWord, inAddress);
        return count;
    }

    /// <summary>Takes any other character of ASCII.</summary>
    private void Mark(char c, bool isOfAddress)
    {
        highSurrogate = '\0';
        if (unspaced > 0) EndUnspaced();
        if (wordLength > 0) EndWord();
        if (!isOfAddress)
        {
            if (addressLength > 0) EndAddress();
            return;
        }
        if (c == '@') at = at < 0 ? addressLength : AddressLimit;
        if (addressLength < AddressLimit) address[addressLength] = c;
        if (addressLength <= AddressLimit) addressLength++;
    }

    private static byte[] MakeAsciiKinds()
    {
        byte[] kinds = new byte[128];
        for (int c = 0; c < kinds.Length; c++)
            if (char.IsAsciiLetterOrDigit((char)c))
                kinds[c] = (byte)char.ToLowerInvariant((char)c);
        foreach (char c in ".@-_+=%") kinds[c] = AddressMark;
        return kinds;
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
