using System.Buffers;
using System.Text;

namespace MessageStore.Messages.Mime;

/// <summary>
/// Turns a part's bytes into characters, piece by piece. A charset that is missing, unknown or <c>us-ascii</c> is found out at the first byte beyond ASCII: UTF-8 where what
/// is at hand is valid UTF-8, else windows-1252. Never fails: what is broken becomes U+FFFD or a question mark.
/// </summary>
/// <param name="charset">As the part names it.</param>
/// <param name="chars">At least <see cref="BufferLength"/> characters of room, the decoder's own while it is in use.</param>
internal sealed class TextDecoder(string charset, char[] chars)
{
    /// <summary>Room that decoding needs, in characters.</summary>
    public const int BufferLength = CharsPerPiece + 16;

    private const int CharsPerPiece = 4 << 10;

    private byte[] waiting = [];
    private Decoder? decoder = IsUndecided(charset) ? null : MailCharsets.Find(charset)?.GetDecoder();

    /// <inheritdoc cref="TextDecoder(string, char[])"/>
    public TextDecoder(string charset)
        : this(charset, new char[BufferLength])
    {
    }

    /// <summary>Decodes a piece; a character cut in two waits for the next.</summary>
    public void Write(ReadOnlySpan<byte> bytes, ICharSink sink)
    {
        if (decoder is null)
        {
            if (waiting.Length > 0) bytes = (byte[])[.. waiting, .. bytes];
            waiting = [];
            int ascii = bytes.IndexOfAnyExceptInRange((byte)0, (byte)0x7F);
            ReadOnlySpan<byte> plain = ascii < 0 ? bytes : bytes[..ascii];
            while (!plain.IsEmpty)
            {
                int count = Math.Min(plain.Length, CharsPerPiece);
                Ascii.ToUtf16(plain[..count], chars, out _);
                sink.Write(chars.AsSpan(0, count));
                plain = plain[count..];
            }
            if (ascii < 0) return;
            bytes = bytes[ascii..];
            bool? isUtf8 = LooksLikeUtf8(bytes);
            if (isUtf8 is null)
            {
                waiting = bytes.ToArray();
                return;
            }
            decoder = (isUtf8.Value ? Encoding.UTF8 : MailCharsets.Western).GetDecoder();
        }
        Convert(bytes, flush: false, sink);
    }

    /// <summary>Ends the text.</summary>
    public void Complete(ICharSink sink)
    {
        if (waiting.Length > 0) sink.Write(MailCharsets.Western.GetString(waiting));
        if (decoder is not null) Convert([], flush: true, sink);
    }

    private static bool IsUndecided(string charset) =>
        charset.Length == 0 || charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase) || charset.Equals("ascii", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether bytes are UTF-8 as far as they go; <see langword="null"/> where they are no more than the beginning of one character.</summary>
    private static bool? LooksLikeUtf8(ReadOnlySpan<byte> bytes)
    {
        bool isSure = false;
        while (!bytes.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(bytes, out _, out int length);
            if (status == OperationStatus.NeedMoreData) return isSure ? true : null;
            if (status != OperationStatus.Done) return false;
            isSure = true;
            bytes = bytes[length..];
            int next = bytes.IndexOfAnyExceptInRange((byte)0, (byte)0x7F);
            bytes = next < 0 ? [] : bytes[next..];
        }
        return true;
    }

    private void Convert(ReadOnlySpan<byte> bytes, bool flush, ICharSink sink)
    {
        bool isDone;
        do
        {
            decoder!.Convert(bytes, chars, flush, out int used, out int written, out isDone);
            if (written > 0) sink.Write(chars.AsSpan(0, written));
            bytes = bytes[used..];
            if (used == 0 && written == 0) return;
        }
        while (!isDone);
    }
}
