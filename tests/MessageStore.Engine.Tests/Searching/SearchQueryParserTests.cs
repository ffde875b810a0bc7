using System.Text;
using MessageStore.Searching;

namespace MessageStore.Tests.Searching;

public class SearchQueryParserTests
{
    [Theory]
    [InlineData("Alpha beta", "alpha | beta")]
    [InlineData("from:Alice -subject:x", "From:alice | -Subject:x")]
    [InlineData("\"two words\" be*", "\"two words\" | be*")]
    [InlineData("-\"two words\"", "-\"two words\"")]
    [InlineData("from:\"J Smith\"", "From:\"j smith\"")]
    [InlineData("alice@example.org", "alice@example.org")]
    [InlineData("don't", "\"don t\"")]
    [InlineData("日本語", "\"日本 本語\"")]
    [InlineData("語", "語*")]
    [InlineData("http://example.org/", "\"http example org\"")]
    [InlineData("file:report.pdf", "Attachment:\"report pdf\"")]
    [InlineData("a - b", "a | b", "-")]
    [InlineData("", "")]
    public void Words_phrases_fields_and_exclusions(string query, string expected, string? refused = null)
    {
        if (refused is not null)
        {
            Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => Parse(query)).ErrorId);
            return;
        }
        Assert.Equal(expected, Parse(query));
    }

    [Fact]
    public void Conditions_in_a_query_are_conditions()
    {
        (SearchPlan plan, MessageSearch search) = SearchQueryParser.Parse(new MessageSearch { Query = "x after:2026-01-02 before:2026-02-01T10:00 larger:10kb smaller:1M mailbox:a* folder:Sent is:unread is:archived" });
        Assert.Single(plan.Clauses);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), search.ReceivedAfter);
        Assert.Equal(new DateTimeOffset(2026, 2, 1, 10, 0, 0, TimeSpan.Zero), search.ReceivedBefore);
        Assert.Equal((10L << 10, 1L << 20), (search.LargerThan, search.SmallerThan));
        Assert.Equal(("a*", "Sent", false, true), (search.Mailbox, search.Folder, search.IsRead, search.IsArchived));
    }

    [Theory]
    [InlineData("!!!")]
    [InlineData("after:yesterday")]
    [InlineData("larger:huge")]
    [InlineData("is:green")]
    [InlineData("-")]
    [InlineData("*")]
    [InlineData("\"\"")]
    public void What_cannot_be_looked_for_is_refused(string query) =>
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => Parse(query)).ErrorId);

    [Fact]
    public void Any_query_is_parsed_or_refused()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        const string Characters = "ab:\"*- \t@.'日é\uD83D\uDCEC()0";
        for (int round = 0; round < 20_000; round++)
        {
            string query = new([.. Enumerable.Range(0, random.Next(20)).Select(_ => Characters[random.Next(Characters.Length)])]);
            try
            {
                Parse(query);
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.InvalidParameter)
            {
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}: {query}", error);
            }
        }
    }

    private static string Parse(string query) => string.Join(" | ", SearchQueryParser.Parse(new MessageSearch { Query = query }).Plan.Clauses.Select(Text));

    private static string Text(SearchClause clause)
    {
        string words = string.Join(' ', clause.Terms.Select(t => Encoding.UTF8.GetString(t.Term) + (t.IsPrefix ? "*" : "")));
        string field = clause.Terms[0].Fields == SearchFields.Any ? "" : clause.Terms[0].Fields + ":";
        return (clause.IsNot ? "-" : "") + field + (clause.IsPhrase ? $"\"{words}\"" : words);
    }
}
