using System.Globalization;
using System.Text;

namespace MessageStore.Tests.Searching;

/// <summary>Messages of few words in many shapes, and questions about them, from a seed.</summary>
internal sealed class SearchSamples(int seed)
{
    private static readonly string[] Words =
    [
        "alpha", "alphabet", "beta", "gamma", "delta", "déjà", "vu", "straße", "日本語", "本", "привет", "report", "reports", "x1", "2026", "lunch", "budget", "Alpha", "GAMMA", "the", "of", "zürich",
    ];

    private static readonly string[] Senders = ["alice@example.org", "Bob Brown <bob.brown@example.com>", "\"Ünal, C.\" <c@mail.example.com>", "dora <dora@test.invalid>"];
    private static readonly string[] Files = ["report.pdf", "budget 2026.xlsx", "écrit.txt", "photo_beta.jpg"];

    private readonly Random random = new(seed);
    private int number;

    public static readonly string[] Mailboxes = ["alice", "bob", "carol"];

    public byte[] Message()
    {
        number++;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"From: {Pick(Senders)}\nTo: {Pick(Senders)}, {Pick(Senders)}\nSubject: {Encode(Sentence(4))}\nMessage-ID: <{number}@test>\nMIME-Version: 1.0\n");
        string body = Sentence(random.Next(1, 30));
        switch (random.Next(5))
        {
            case 0:
                text.Append("Content-Type: text/plain; charset=utf-8\n\n").Append(body).Append('\n');
                break;
            case 1:
                text.Append("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n").Append(Convert.ToBase64String(Encoding.UTF8.GetBytes(body), Base64FormattingOptions.InsertLineBreaks)).Append('\n');
                break;
            case 2:
                text.Append("Content-Type: text/html; charset=utf-8\n\n<p>").Append(body).Append("</p><script>hidden").Append(number).Append("</script>\n");
                break;
            case 3:
                text.Append("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\n\n").Append(body)
                    .Append("\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"").Append(Encode(Pick(Files))).Append("\"\n\nxxx\n--b--\n");
                break;
            default:
                text.Append('\n').Append(body).Append('\n');
                break;
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>A question of any kind.</summary>
    public MessageSearch Question()
    {
        var pieces = new List<string>();
        for (int n = random.Next(1, 4); n > 0; n--)
        {
            string word = Pick(Words);
            string piece = random.Next(9) switch
            {
                0 => "subject:" + word,
                1 => "from:" + Pick((string[])["alice", "bob.brown@example.com", "example", "c", "brown", "@example.org"]),
                2 => "to:" + Pick((string[])["dora", "test", "alice@example.org"]),
                3 => "attachment:" + Pick((string[])["report", "budget", "ecrit", "beta"]),
                4 => word[..Math.Min(word.Length, random.Next(1, 4))] + "*",
                5 => $"\"{word} {Pick(Words)}\"",
                _ => word,
            };
            pieces.Add(random.Next(5) == 0 ? "-" + piece : piece);
        }
        var search = new MessageSearch { Query = string.Join(' ', pieces) };
        if (random.Next(4) == 0) search = search with { Mailbox = Pick((string[])["alice", "b*", "*o*"]) };
        if (random.Next(6) == 0) search = search with { ReceivedAfter = Start.AddHours(random.Next(200)) };
        if (random.Next(6) == 0) search = search with { ReceivedBefore = Start.AddHours(random.Next(200)) };
        if (random.Next(8) == 0) search = search with { LargerThan = random.Next(200, 500) };
        if (random.Next(8) == 0) search = search with { IsArchived = random.Next(2) == 0 };
        return search;
    }

    public static DateTimeOffset Start { get; } = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    public DateTimeOffset Date() => Start.AddHours(random.Next(200));

    public T Pick<T>(T[] from) => from[random.Next(from.Length)];

    public int Next(int limit) => random.Next(limit);

    private string Sentence(int words) => string.Join(random.Next(3) == 0 ? ", " : " ", Enumerable.Range(0, words).Select(_ => Pick(Words)));

    private static string Encode(string text) => Ascii.IsValid(text) ? text : $"=?utf-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}?=";
}
