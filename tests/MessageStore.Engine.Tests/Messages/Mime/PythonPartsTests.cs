using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MessageStore.Messages;
using MessageStore.Messages.Mime;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages.Mime;

public class PythonPartsTests
{
    [CorpusFact(NeedsPython = true)]
    public async Task The_corpus_is_taken_apart_as_Python_does_it()
    {
        ILookup<int, string> expected = (await Python.RunAsync("parts.py", Corpus.MboxPath))
            .ToLookup(l => int.Parse(l[..l.IndexOf('\t', StringComparison.Ordinal)], CultureInfo.InvariantCulture), l => l[(l.IndexOf('\t', StringComparison.Ordinal) + 1)..]);
        Assert.Equal(Corpus.Count, expected.Count);
        var wrong = new List<string>();
        int number = 0;
        foreach (SourceItem item in MailFiles.Open(Corpus.MboxPath))
        {
            number++;
            using MessageBody body = item.Message!.Body;
            List<string> ours = [.. MimeSamples.Take(body.Head.ToArray()).Where(p => p.Part.Kind == MimePartKind.Leaf).Select(p => $"{p.Part.MediaType}\t{p.Part.FileName}\t{(p.Part.MediaType == "message/delivery-status" ? "-" : Digest(p.Content))}")];
            List<string> theirs = [.. expected[number]];
            if (!ours.SequenceEqual(theirs)) wrong.Add($"{number}\n  Python: {string.Join(" | ", theirs)}\n  we:     {string.Join(" | ", ours)}");
        }
        Assert.Equal(Corpus.Count, number);
        Assert.True(wrong.Count == 0, $"{wrong.Count}\n{string.Join('\n', wrong)}");
    }

    private static string Digest(byte[] content)
    {
        string text = Encoding.Latin1.GetString(content).Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').TrimEnd('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text)));
    }
}
