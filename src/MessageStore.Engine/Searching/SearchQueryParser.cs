using System.Globalization;
using System.Text;

namespace MessageStore.Searching;

/// <summary>Turns what people write into a plan and conditions (docs/search.md, "Questions").</summary>
internal static class SearchQueryParser
{
    private const int TokenLimit = 200;

    private static readonly Dictionary<string, SearchFields> Fields = new(StringComparer.OrdinalIgnoreCase)
    {
        ["from"] = SearchFields.From, ["to"] = SearchFields.To, ["cc"] = SearchFields.To, ["subject"] = SearchFields.Subject, ["body"] = SearchFields.Body, ["text"] = SearchFields.Body,
        ["attachment"] = SearchFields.Attachment, ["file"] = SearchFields.Attachment,
    };

    /// <summary>The plan, and the search with the conditions that its query names.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static (SearchPlan Plan, MessageSearch Search) Parse(MessageSearch search)
    {
        var clauses = new List<SearchClause>();
        MessageSearch conditions = search;
        foreach (Piece piece in Split(search.Query)) conditions = Add(piece, SearchFields.Any, clauses, conditions, isQuery: true);
        (string?, SearchFields)[] named =
        [
            (search.From, SearchFields.From), (search.To, SearchFields.To), (search.Subject, SearchFields.Subject), (search.Text, SearchFields.Body), (search.Attachment, SearchFields.Attachment),
        ];
        foreach ((string? words, SearchFields field) in named)
            foreach (Piece piece in Split(words))
                Add(piece, field, clauses, conditions, isQuery: false);
        if (clauses.Sum(c => c.Terms.Count) > TokenLimit) throw Invalid($"The search has more than {TokenLimit} words.", search.Query);
        return (new SearchPlan(clauses), conditions);
    }

    private static MessageSearch Add(Piece piece, SearchFields fields, List<SearchClause> clauses, MessageSearch conditions, bool isQuery)
    {
        string text = piece.Text;
        if (isQuery && piece.Field.Length > 0)
        {
            if (Fields.TryGetValue(piece.Field, out SearchFields named)) fields = named;
            else if (!piece.IsNot && Condition(piece, conditions) is { } with) return with;
            else text = piece.Field + ":" + text; // "re:" and the like are words
        }
        else if (piece.Field.Length > 0)
        {
            text = piece.Field + ":" + text;
        }
        clauses.Add(Clause(text, fields, piece));
        return conditions;
    }

    private static SearchClause Clause(string text, SearchFields fields, Piece piece)
    {
        bool isPrefix = !piece.IsQuoted && text.EndsWith('*');
        string words = isPrefix ? text.TrimEnd('*') : text;
        var collected = new Collector();
        var breaker = new WordBreaker(collected);
        breaker.Write(words);
        breaker.Complete();
        // An address is one term; its parts would find less.
        if (!isPrefix && !piece.IsQuoted && collected.Side.Count == 1 && collected.Side[0].Contains('@', StringComparison.Ordinal) && collected.Side[0].Length >= words.Trim('<', '>').Length)
            return new SearchClause([Test(collected.Side[0], fields, false)], piece.IsNot, false);
        if (collected.Main.Count == 0) throw Invalid($"'{text}' holds no word to look for.", text);
        // A single character of a script without spaces begins pairs.
        bool isSingle = collected.Main.Count == 1 && TextFolding.KindOf(collected.Main[0][0]) == CharKind.Unspaced && collected.Main[0].Length == 1;
        List<TermTest> tests = [.. collected.Main.Select((w, i) => Test(w, fields, (isPrefix || isSingle) && i == collected.Main.Count - 1))];
        return new SearchClause(tests, piece.IsNot, tests.Count > 1);
    }

    private static TermTest Test(string word, SearchFields fields, bool isPrefix) => new(Encoding.UTF8.GetBytes(word), fields, isPrefix);

    /// <summary>A condition that a query names; <see langword="null"/> where the field is none.</summary>
    private static MessageSearch? Condition(Piece piece, MessageSearch search) => piece.Field.ToLowerInvariant() switch
    {
        "after" => search with { ReceivedAfter = Date(piece.Text) },
        "before" => search with { ReceivedBefore = Date(piece.Text) },
        "larger" => search with { LargerThan = Size(piece.Text) },
        "smaller" => search with { SmallerThan = Size(piece.Text) },
        "mailbox" => search with { Mailbox = piece.Text },
        "folder" => search with { Folder = piece.Text },
        "is" => piece.Text.ToLowerInvariant() switch
        {
            "read" => search with { IsRead = true },
            "unread" => search with { IsRead = false },
            "archived" => search with { IsArchived = true },
            "hot" => search with { IsArchived = false },
            _ => throw Invalid($"'is:{piece.Text}' is none of is:read, is:unread, is:archived, is:hot.", piece.Text),
        },
        _ => null,
    };

    private static DateTimeOffset Date(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? date
            : throw Invalid($"'{text}' is no date; write it as 2026-11-28.", text);

    private static long Size(string text)
    {
        string number = text.TrimEnd('b', 'B');
        int shift = number.Length == 0 ? 0 : char.ToLowerInvariant(number[^1]) switch { 'k' => 10, 'm' => 20, 'g' => 30, _ => 0 };
        if (shift > 0) number = number[..^1];
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long size) && size <= long.MaxValue >> shift ? size << shift
            : throw Invalid($"'{text}' is no size; write it as 300kb or 10mb.", text);
    }

    /// <summary>Pieces between white space; a phrase in double quotes is one.</summary>
    private static IEnumerable<Piece> Split(string? query)
    {
        string text = query ?? "";
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at >= text.Length) yield break;
            bool isNot = text[at] == '-' && at + 1 < text.Length && !char.IsWhiteSpace(text[at + 1]);
            if (isNot) at++;
            int colon = at;
            while (colon < text.Length && char.IsAsciiLetter(text[colon])) colon++;
            string field = "";
            if (colon > at && colon + 1 < text.Length && text[colon] == ':' && !char.IsWhiteSpace(text[colon + 1]))
            {
                field = text[at..colon];
                at = colon + 1;
            }
            bool isQuoted = text[at] == '"';
            int start = isQuoted ? ++at : at;
            while (at < text.Length && (isQuoted ? text[at] != '"' : !char.IsWhiteSpace(text[at]))) at++;
            yield return new Piece(field, text[start..at], isNot, isQuoted);
            if (isQuoted) at++;
        }
    }

    private static MessageStoreException Invalid(string message, object? target) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, message, target);

    private readonly record struct Piece(string Field, string Text, bool IsNot, bool IsQuoted);

    private sealed class Collector : IWordSink
    {
        public List<string> Main { get; } = [];

        public List<string> Side { get; } = [];

        public void Word(ReadOnlySpan<char> word, SearchFields field, bool isSide) => (isSide ? Side : Main).Add(word.ToString());

        public void Gap()
        {
        }
    }
}
