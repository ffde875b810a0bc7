using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MessageStore.Bench;

/// <summary>
/// Bodies that are like mail to a compressor: words in lines, and behind them, in large ones, base64 of what does not shrink. Each is a piece of one text, from a place of its own, so that
/// messages do not repeat one another.
/// </summary>
internal sealed class MailText
{
    private const int PoolBytes = 4 << 20;
    private const int LineBytes = 76;

    /// <summary>Messages of this size and above are mostly an attachment.</summary>
    private const int AttachmentFrom = 20 << 10;

    /// <summary>How many words there are: a vocabulary in which the common ones come often.</summary>
    private const int Words = 4000;

    private readonly Random random;
    private readonly byte[] text;
    private readonly byte[] packed;

    public MailText(int seed)
    {
        random = new Random(seed);
        string[] words = [.. Enumerable.Range(0, Words).Select(_ => string.Concat(Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + (int)(26 * Math.Pow(random.NextDouble(), 1.5))))))];
        var lines = new StringBuilder(PoolBytes);
        for (int column = 0; lines.Length < PoolBytes;)
        {
            string word = words[(int)(Words * Math.Pow(random.NextDouble(), 3))];
            if (column + word.Length > LineBytes)
            {
                lines.Append("\r\n");
                column = 0;
            }
            lines.Append(word).Append(' ');
            column += word.Length + 1;
            if (random.Next(40) == 0) lines.Append(CultureInfo.InvariantCulture, $"{random.Next(100_000)} ");
        }
        text = Encoding.ASCII.GetBytes(lines.ToString(0, PoolBytes));
        byte[] raw = new byte[PoolBytes / 4 * 3];
        random.NextBytes(raw);
        packed = new byte[PoolBytes];
        Base64.EncodeToUtf8(raw, packed, out _, out _);
        for (int at = LineBytes; at + 1 < packed.Length; at += LineBytes + 2) "\r\n"u8.CopyTo(packed.AsSpan(at));
    }

    /// <summary>A message of some length. Not thread-safe.</summary>
    public byte[] Next(int size)
    {
        byte[] body = new byte[size];
        int words = size < AttachmentFrom ? size : size / 8;
        text.AsSpan(random.Next(PoolBytes - words), words).CopyTo(body);
        if (words < size) packed.AsSpan(random.Next(PoolBytes - (size - words)), size - words).CopyTo(body.AsSpan(words));
        return body;
    }
}
