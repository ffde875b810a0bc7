using MessageStore.Searching;

namespace MessageStore.Tests.Searching;

public class WordBreakerTests
{
    [Theory]
    [InlineData("Hello, World!", "hello world")]
    [InlineData("don't l'amour", "don t l amour")]
    [InlineData("ÉCOLE Straße Ærø naïve", "ecole strasse aero naive")]
    [InlineData("e\u0301cole na\u0308ive", "ecole naive")]
    [InlineData("Łódź İstanbul ΑΘΉΝΑ ΣΊΣΥΦΟΣ", "lodz istanbul αθηνα σισυφοσ")]
    [InlineData("ЁЛКА Привет", "елка привет")]
    [InlineData("ＦＵＬＬ ｗｉｄｔｈ １２", "full width 12")]
    [InlineData("ﬁle ﬂow", "file flow")]
    [InlineData("soft\u00ADhyphen zero\u200Bwidth", "softhyphen zerowidth")]
    [InlineData("مَرْحَبًا", "مرحبا")]
    [InlineData("हिन्दी", "हिन्दी")]
    [InlineData("report_final-v2.pdf", "report final v2 pdf")]
    [InlineData("日本語", "日本 本語 [語]")]
    [InlineData("語", "語")]
    [InlineData("abc日本def", "abc 日本 [本] def")]
    [InlineData("📬📭 x", "📬📭 [📭] x")]
    [InlineData("Alice.Smith@Example.com,", "alice smith example com [alice.smith@example.com]")]
    [InlineData("<a@b>", "a b [a@b]")]
    [InlineData("a@b@c x@ @y", "a b c x y")]
    [InlineData("...", "")]
    [InlineData("", "")]
    public void Words_are_folded_and_addresses_and_pairs_stand_beside(string text, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Words(text, text.Length)));
        for (int piece = 1; piece < text.Length; piece++) Assert.Equal(expected, string.Join(' ', Words(text, piece)));
    }

    [Fact]
    public void Of_a_long_word_the_beginning_counts()
    {
        string word = Assert.Single(Words(new string('x', 1000), 1000));
        Assert.Equal(WordBreaker.WordLimit, word.Length);
        Assert.Equal(["a"], Words(new string('x', 500) + " a", 7).Skip(1));
    }

    [Fact]
    public void Any_characters_give_words_that_are_found_again()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int round = 0; round < 2000; round++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(60)).Select(_ => (char)(random.Next(3) == 0 ? random.Next(0x10000) : random.Next(0x20, 0x7f)))]);
            List<string> words = Words(text, Math.Max(text.Length, 1));
            foreach (string word in words.Where(w => w[0] != '['))
            {
                Assert.InRange(word.Length, 1, WordBreaker.WordLimit);
                if (word.Length < WordBreaker.WordLimit && !word.Any(char.IsSurrogate) && TextFolding.KindOf(word[0]) == CharKind.Word)
                    Assert.True(Words(word, word.Length).Contains(word), $"seed {seed}: '{word}' is not folded to itself, {string.Join(",", word.Select(c => ((int)c).ToString("x", null)))} {string.Join(",", Words(word, word.Length))}");
            }
        }
    }

    private static List<string> Words(string text, int piece)
    {
        var words = new Collector();
        var breaker = new WordBreaker(words);
        for (int at = 0; at < text.Length; at += piece) breaker.Write(text.AsSpan(at, Math.Min(piece, text.Length - at)));
        breaker.Complete();
        return words.Found;
    }

    private sealed class Collector : IWordSink
    {
        public List<string> Found { get; } = [];

        public void Word(ReadOnlySpan<char> word, SearchFields field, bool isSide) => Found.Add(isSide ? $"[{word}]" : word.ToString());

        public void Gap()
        {
        }
    }
}
