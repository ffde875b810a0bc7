using System.Buffers;
using System.Buffers.Text;

namespace MessageStore.Messages.Mime;

/// <summary>Undoes a transfer encoding, line by line, forgiving what senders get wrong. Holds a few bytes between calls. Never fails.</summary>
internal struct ContentDecoder(TransferEncoding encoding)
{
    private uint bits;
    private int held;
    private byte firstHeld;
    private byte secondHeld;

    /// <summary>Decodes a piece of a line.</summary>
    /// <param name="piece">The piece, with its line end.</param>
    /// <param name="endLength">Length of the line end; 0 where the line goes on.</param>
    /// <param name="output">Room for the length of the piece and two bytes more.</param>
    /// <param name="endWritten">How many of the bytes written are the line's end.</param>
    /// <returns>Bytes written.</returns>
    public int Decode(ReadOnlySpan<byte> piece, int endLength, Span<byte> output, out int endWritten)
    {
        endWritten = 0;
        switch (encoding)
        {
            case TransferEncoding.Base64:
                return DecodeBase64(piece[..^endLength], output);
            case TransferEncoding.QuotedPrintable:
                return DecodeQuotedPrintable(piece, endLength, output, out endWritten);
            case TransferEncoding.Uuencode:
                return Uuencode.Decode(piece[..^endLength], output);
            default:
                piece.CopyTo(output);
                endWritten = endLength;
                return piece.Length;
        }
    }

    /// <summary>RFC 2045 §6.8. What is no base64 is passed over; padding in the middle ends one run and begins another.</summary>
    private int DecodeBase64(ReadOnlySpan<byte> line, Span<byte> output)
    {
        if (held == 0 && line.Length % 4 == 0 && Base64.DecodeFromUtf8(line, output, out _, out int fast) == OperationStatus.Done) return fast;
        int written = 0;
        foreach (byte b in line)
        {
            if (b == (byte)'=')
            {
                bits = 0;
                held = 0;
                continue;
            }
            int value = ValueOf(b);
            if (value < 0) continue;
            bits = (bits << 6) | (uint)value;
            held += 6;
            if (held < 8) continue;
            held -= 8;
            output[written++] = (byte)(bits >> held);
        }
        return written;
    }

    private static int ValueOf(byte b) => b switch
    {
        >= (byte)'A' and <= (byte)'Z' => b - 'A',
        >= (byte)'a' and <= (byte)'z' => b - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => b - '0' + 52,
        (byte)'+' => 62,
        (byte)'/' => 63,
        _ => -1,
    };

    /// <summary>RFC 2045 §6.7. An equals sign that begins nothing known stands for itself; white space at the end of a line goes.</summary>
    private int DecodeQuotedPrintable(ReadOnlySpan<byte> piece, int endLength, Span<byte> output, out int endWritten)
    {
        endWritten = 0;
        ReadOnlySpan<byte> text = piece[..^endLength];
        if (endLength > 0) text = text.TrimEnd(" \t"u8);
        int written = 0;
        if (held > 0)
        {
            // An escape that the end of the last piece cut in two.
            Span<byte> joined = stackalloc byte[4];
            int length = 0;
            joined[length++] = firstHeld;
            if (held == 2) joined[length++] = secondHeld;
            int taken = Math.Min(3 - length, text.Length);
            text[..taken].CopyTo(joined[length..]);
            text = text[taken..];
            held = 0;
            written = Unescape(joined[..(length + taken)], isLast: true, output);
        }
        bool isSoftBreak = endLength > 0 && text.Length > 0 && text[^1] == (byte)'=';
        written += Unescape(text, endLength > 0, output[written..]);
        if (endLength == 0 || isSoftBreak) return written;
        piece[^endLength..].CopyTo(output[written..]);
        endWritten = endLength;
        return written + endLength;
    }

    private int Unescape(ReadOnlySpan<byte> text, bool isLast, Span<byte> output)
    {
        int written = 0;
        while (true)
        {
            int sign = text.IndexOf((byte)'=');
            ReadOnlySpan<byte> plain = sign < 0 ? text : text[..sign];
            plain.CopyTo(output[written..]);
            written += plain.Length;
            if (sign < 0) return written;
            text = text[sign..];
            if (text.Length >= 3 && char.IsAsciiHexDigit((char)text[1]) && char.IsAsciiHexDigit((char)text[2]))
            {
                output[written++] = (byte)((Hex(text[1]) << 4) | Hex(text[2]));
                text = text[3..];
            }
            else if (text.Length < 3 && !isLast)
            {
                held = text.Length;
                firstHeld = text[0];
                if (held == 2) secondHeld = text[1];
                return written;
            }
            else if (text.Length == 1)
            {
                return written; // a soft line break
            }
            else
            {
                output[written++] = (byte)'=';
                text = text[1..];
            }
        }
    }

    private static int Hex(byte b) => b <= (byte)'9' ? b - '0' : (b | 0x20) - 'a' + 10;
}
