using System.Diagnostics;
using System.Text.RegularExpressions;

namespace MessageStore.Tests.Messages.Mime;

public partial class HtmlSanitizerTests
{
    private const int Rounds = 5_000;

    private static readonly string[] Pieces =
    [
        "<", ">", "</", "/>", "\"", "'", "=", " ", "&", ";", "&lt;", "&#60;", "&#x3c", "&quot;", "<!--", "-->", "<!", "<?", "<a href=", "javascript:", "http://x/", "java\tscript:", "<img src=", "cid:1", "onerror=alert(1)",
        "<script>", "</script>", "<style>", "</style", "<svg/onload=", "<math>", "<table>", "<td", "</td>", "<b>", "</b>", "<p", "<div style=", "<iframe srcdoc=", "text", "é", "📬", "\0", "\n", "<x:y>", "<base href=", "<form action=", "`",
    ];

    [Theory]
    [InlineData("<p>one<br>two</p>", "<p>one<br>two</p>")]
    [InlineData("<P ALIGN=Center onclick=x()>a", "<p align=\"Center\">a</p>")]
    [InlineData("<b><i>a</b>c</i>", "<b><i>a</i></b>c")]
    [InlineData("</div></table>a", "a")]
    [InlineData("a<script>alert('<b>')</script>b", "ab")]
    [InlineData("a<script>alert(1)", "a")]
    [InlineData("<head><title>t</title></head><body bgcolor=red>b", "b")]
    [InlineData("<a href=\"https://example.org/?a=1&amp;b=2\">x</a>", "<a href=\"https://example.org/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">x</a>")]
    [InlineData("<a href=\"java&#10;script:alert(1)\">x</a>", "<a rel=\"noopener noreferrer nofollow\" target=\"_blank\">x</a>")]
    [InlineData("<a href=' data:text/html,x'>x", "<a rel=\"noopener noreferrer nofollow\" target=\"_blank\">x</a>")]
    [InlineData("<img src=http://tracker/1.gif alt=\"a&quot;b\" width=1>", "<img alt=\"a&quot;b\" width=\"1\">")]
    [InlineData("<img src=\"cid:pic@x\">", "<img src=\"/part/pic@x\">")]
    [InlineData("<img src=x onerror=alert(1)//>", "<img>")]
    [InlineData("a<!-- <b> -->b<!doctype html>c", "abc")]
    [InlineData("&lt;script&gt; 1 < 2 &copy;", "&lt;script&gt; 1 &lt; 2 &#169;")]
    [InlineData("<svg><a href=http://x>in</a></svg>out", "out")]
    [InlineData("<td colspan=999999999>x", "<td>x</td>")]
    public void Only_what_is_harmless_comes_through(string html, string expected) =>
        Assert.Equal(expected, HtmlSanitizer.Clean(html, id => "/part/" + id));

    /// <summary>What comes out is read by a grammar of its own, so strict that there is nothing to misread.</summary>
    [Fact]
    public void Whatever_goes_in_text_and_allowed_tags_come_out_each_closed()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        for (int round = 0; round < Rounds; round++)
        {
            string html = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => Pieces[random.Next(Pieces.Length)]));
            try
            {
                Check(HtmlSanitizer.Clean(html, id => "/" + id));
            }
            catch (Exception error)
            {
                throw new InvalidOperationException($"seed {seed}, round {round}: {html}", error);
            }
        }
    }

    [Theory]
    [InlineData("<object>")]
    [InlineData("<b>")]
    [InlineData("<b></i>")]
    [InlineData("<")]
    [InlineData("<!--")]
    [InlineData("<a x=\"")]
    [InlineData("&")]
    [InlineData("<p a b c ")]
    public void Hostile_pages_are_cleaned_in_linear_time(string repeated)
    {
        string html = string.Concat(Enumerable.Repeat(repeated, MessageContentReader.TextLimit / repeated.Length));
        var watch = Stopwatch.StartNew();
        Check(HtmlSanitizer.Clean(html));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(120), $"{watch.Elapsed}");
    }

    private static void Check(string clean)
    {
        var open = new Stack<string>();
        int at = 0;
        while (at < clean.Length)
        {
            Match match = Output().Match(clean, at);
            Assert.True(match.Success, clean[at..Math.Min(clean.Length, at + 100)]);
            at += match.Length;
            if (match.Groups["close"].Success) Assert.Equal(open.Pop(), match.Groups["close"].Value);
            if (match.Groups["open"].Success && match.Groups["open"].Value is not ("br" or "hr" or "img" or "col" or "wbr")) open.Push(match.Groups["open"].Value);
            foreach (Capture address in match.Groups["address"].Captures) Assert.Matches("^(https?://|mailto:|/)", address.Value);
        }
        Assert.Empty(open);
    }

    [GeneratedRegex("""\G(?:[^<>"&]+|&(?:lt|gt|amp|quot|#\d+);|</(?<close>[a-z0-9]+)>|<(?<open>a|b|i|p|div|table|td|br|img)(?: (?:(?:href|src)="(?<address>[^"<>]*)"|(?:title|alt|width|align|rel|target)="[^"<>]*"))*>)""")]
    private static partial Regex Output();
}
