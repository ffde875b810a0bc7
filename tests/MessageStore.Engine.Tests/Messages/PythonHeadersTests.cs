using System.Globalization;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages;

public class PythonHeadersTests
{
    /// <summary>
    /// The values of the corpus, by message number and field, in which we differ from Python on purpose: what ours is. docs/messages.md explains both kinds.
    /// </summary>
    private static readonly Dictionary<(int, string), string> Differences = new()
    {
        // Python puts a space between an encoded word and text that touches it.
        [(11, "From")] = "David Höhn <dh@uptime.at>",
        [(1250, "To")] = "\"RPM-List\" <rpm-zzzlist@freshrpms.net>",
        [(1300, "To")] = "valhalla-list@spamassassin.taint.org,\t\"RPM-List\" <rpm-list@freshrpms.net>",
        [(3694, "To")] = "\"RPM-List\" <rpm-zzzlist@freshrpms.net>",
        // Python makes U+FFFD of every raw 8-bit byte.
        [(2026, "Subject")] = "Gambler wins £7,000 - and spends it all on horse shiat",
        [(2140, "Subject")] = "PFI hospital's £97m pay bill could cost NHS billions",
        [(2218, "Subject")] = "Robbie Williams signs £80m deal",
        [(2274, "Subject")] = "Robbie's £80m deal puts EMI on new path",
        [(2278, "Subject")] = "Houses rise £1,100 a week",
        [(2345, "Subject")] = "A-level student sues for £100,000 over 'grade fixing'",
        [(3631, "From")] = "\"Nils O. Selåsdal\" <noselasd@Utel.no>",
        [(3638, "From")] = "\"Nils O. Selåsdal\" <noselasd@Utel.no>",
    };

    private static readonly string[] Fields = ["From", "To", "Subject", "Message-ID", "Date"];

    [CorpusFact(NeedsPython = true)]
    public async Task Headers_of_the_corpus_are_read_as_Python_reads_them()
    {
        string[] expected = await Python.RunAsync("headers.py", Corpus.MboxPath);
        Assert.Equal(Corpus.Count, expected.Length);
        var wrong = new List<string>();
        int differences = 0;
        int partial = 0;
        int number = 0;
        foreach (SourceItem item in MailFiles.Open(Corpus.MboxPath))
        {
            using MessageBody body = item.Message!.Body;
            MessageSummary found = HeaderReader.Instance.Read(body.Head.Span);
            if (found.IsPartial) partial++;
            string[] python = [.. expected[number++].Split('\t').Skip(1).Select(Unescape)];
            string date = found.Date is { } d ? d.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) : "-";
            string[] ours = [found.From, found.To, found.Subject, found.MessageId, date];
            for (int field = 0; field < Fields.Length; field++)
            {
                if (python[field] == ours[field]) continue;
                if (Differences.TryGetValue((number, Fields[field]), out string? meant) && meant == ours[field]) differences++;
                else wrong.Add($"{number} {Fields[field]}: Python [{python[field]}], we [{ours[field]}]");
            }
        }
        Assert.Equal(Corpus.Count, number);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(Differences.Count, differences);
        Assert.Equal(0, partial);
    }

    private static string Unescape(string cell) => cell.Contains('\\')
        ? cell.Replace("\\\\", "\0").Replace("\\t", "\t").Replace("\\n", "\n").Replace("\\r", "\r").Replace('\0', '\\')
        : cell;
}
