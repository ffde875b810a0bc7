using System.Text;
using MessageStore.Messages.Mime;

namespace MessageStore.Tests.Messages.Mime;

public class DecodingTests
{
    [Theory]
    [InlineData("SGVsbG8=", "Hello")]
    [InlineData("SGVs\nbG8", "Hello")]
    [InlineData("S G V s b G 8", "Hello")]
    [InlineData("SGVsbG8=\nSGVsbG8=", "HelloHello")]
    [InlineData("SGVsbG8*!", "Hello")]
    [InlineData("====", "")]
    public void Base64_is_read_as_far_as_it_goes(string encoded, string expected) =>
        Assert.Equal(expected, MimeSamples.Take("Content-Transfer-Encoding: base64\n\n" + encoded)[0].Text());

    [Theory]
    [InlineData("a=20b", "a b")]
    [InlineData("a=\nb", "ab")]
    [InlineData("a=  \nb", "ab")]
    [InlineData("a  \t\nb", "a\nb")]
    [InlineData("a=XYb=", "a=XYb")]
    [InlineData("=c3=A9", "Ã©")]
    public void Quoted_printable_is_read_as_far_as_it_goes(string encoded, string expected) =>
        Assert.Equal(expected, MimeSamples.Take("Content-Transfer-Encoding: Quoted-Printable\n\n" + encoded)[0].Text());

    [Fact]
    public void An_escape_on_the_edge_of_a_piece_is_whole()
    {
        for (int before = LineSource.PieceLimit - 4; before < LineSource.PieceLimit + 2; before++)
        {
            string content = new string('x', before) + "=41end";
            Assert.Equal(new string('x', before) + "Aend", MimeSamples.Take("Content-Transfer-Encoding: quoted-printable\n\n" + content)[0].Text());
        }
    }

    [Theory]
    [InlineData("attachment; filename=plain.txt", "plain.txt")]
    [InlineData("attachment; filename=\"two words.txt\"; size=3", "two words.txt")]
    [InlineData("attachment; filename=foo (1).txt", "foo (1).txt")]
    [InlineData("attachment; filename=\"C:\\temp\\a\\\"b.txt\"", "a\"b.txt")]
    [InlineData("attachment; filename*=utf-8''na%C3%AFve%20%E2%82%AC.txt", "naïve €.txt")]
    [InlineData("attachment; filename*=iso-8859-1'en'%A3.txt; filename=\"pound.txt\"", "£.txt")]
    [InlineData("attachment; filename*1=\"b.txt\"; filename*0=\"a\"", "ab.txt")]
    [InlineData("attachment; filename*0*=utf-8''%E2%82; filename*1*=%AC; filename*2=\".txt\"", "€.txt")]
    [InlineData("attachment; filename=\"=?utf-8?Q?=C3=A4.pdf?=\"", "ä.pdf")]
    [InlineData("attachment; filename=../../etc/passwd", "passwd")]
    [InlineData("attachment; filename=\"a\u0007b\"", "a\uFFFDb")]
    [InlineData("attachment; filename", "")]
    [InlineData("attachment; filename*=%", "%")]
    [InlineData("(comment; filename=x) attachment; ; =;filename=\"unclosed", "unclosed")]
    public void File_names_are_decoded(string disposition, string expected)
    {
        MimePart part = MimeHead.Read(Encoding.UTF8.GetBytes("Content-Disposition: " + disposition + "\n\n"), "").Part;
        Assert.Equal(expected, part.FileName);
        Assert.True(part.IsAttachment);
    }

    [Theory]
    [InlineData("utf-8", "c3a9", "é")]
    [InlineData("iso-8859-1", "e9", "é")]
    [InlineData("", "c3a9", "é")]
    [InlineData("us-ascii", "e9", "é")]
    [InlineData("x-nobody-knows", "c3a9", "é")]
    [InlineData("koi8-r", "d0d2c9d7c5d4", "привет")]
    [InlineData("iso-2022-jp", "1b2442467c4b5c1b2842", "日本")]
    [InlineData("gb18030", "c4e3bac3", "你好")]
    [InlineData("windows-1251", "cff0e8", "При")]
    public void Charsets_are_decoded_in_pieces_of_one_byte(string charset, string hex, string expected)
    {
        var text = new MimeSamples.Collector();
        var decoder = new TextDecoder(charset);
        foreach (byte b in Convert.FromHexString(hex)) decoder.Write([b], text);
        decoder.Complete(text);
        Assert.Equal(expected, text.ToString());
    }

    [Theory]
    [InlineData("a<b>b</b>c", "abc")]
    [InlineData("one<br>two<p>three", "one\ntwo\nthree")]
    [InlineData("x<script>var a = '</b>';</script >y", "x\ny")]
    [InlineData("x<STYLE type=a>p {}</Style\n>y", "x\ny")]
    [InlineData("a<!-- <b> -- > -->b<!doctype html>c<?php x ?>d", "abcd")]
    [InlineData("&lt;&amp;&eacute;&#233;&#xe9;&nbsp;&bogus;&", "<&ééé\u00A0&bogus;&")]
    [InlineData("a < b && c &lt d", "a < b && c < d")]
    [InlineData("<a href=\"x>y\" title='<'>z</a>", "z")]
    [InlineData("cut off <a href", "cut off ")]
    [InlineData("cut off &am", "cut off &am")]
    public void Html_becomes_text(string html, string expected)
    {
        for (int piece = 1; piece <= html.Length; piece++)
        {
            var text = new MimeSamples.Collector();
            var reader = new HtmlText(text);
            for (int at = 0; at < html.Length; at += piece) reader.Write(html.AsSpan(at, Math.Min(piece, html.Length - at)));
            reader.Complete();
            Assert.Equal(expected, text.ToString());
        }
    }
}
