using System.Buffers;
using System.Text;

namespace MessageStore.Messages;

/// <summary>
/// The header reader of our own: RFC 5322 with its obsolete forms, RFC 2047 and what real mail does beside them. docs/messages.md says where it differs
/// from Python's <c>email</c>, and why. Linear time, bounded results, no state: one object serves all threads.
/// </summary>
/// <remarks>
/// Of a field that is there twice the first counts; of <c>Received</c> the first that holds a date. Raw 8-bit text is UTF-8 where valid, else
/// windows-1252. Control characters become U+FFFD, line ends inside a value spaces, so that no header can write to a terminal.
/// </remarks>
public sealed class HeaderReader : IHeaderReader
{
    /// <summary>Longest <c>From</c>, <c>To</c> and <c>Subject</c>, in UTF-16 units; what is beyond is cut.</summary>
    public const int TextLimit = 1024;

    /// <summary>Longest <c>Message-ID</c>, in UTF-16 units.</summary>
    public const int MessageIdLimit = 512;

    /// <summary>How much of a field's raw bytes is decoded: enough for any value that the limits let through.</summary>
    private const int RawLimit = 16 << 10;

    /// <summary>How many bytes of a UTF-8 character follow its first.</summary>
    private const int Utf8Continuations = 3;

    /// <summary>How much of a date field is looked at.</summary>
    private const int DateLimit = 512;

    public static HeaderReader Instance { get; } = new();

    public MessageSummary Read(ReadOnlySpan<byte> head)
    {
        string? from = null, to = null, subject = null, messageId = null;
        DateTimeOffset? date = null, received = null;
        bool hasDate = false;
        bool hasField = false;
        bool isPartial = false;
        var fields = new HeaderFields(head);
        while (fields.Next(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            hasField = true;
            switch (name.Length)
            {
                case 2 when to is null && Is(name, "To"u8):
                    to = Text(value, ref isPartial);
                    break;
                case 4 when from is null && Is(name, "From"u8):
                    from = Text(value, ref isPartial);
                    break;
                case 4 when !hasDate && Is(name, "Date"u8):
                    hasDate = true;
                    date = Date(value);
                    isPartial |= date is null;
                    break;
                case 7 when subject is null && Is(name, "Subject"u8):
                    subject = Text(value, ref isPartial);
                    break;
                case 8 when received is null && Is(name, "Received"u8):
                    int semicolon = value.LastIndexOf((byte)';');
                    if (semicolon >= 0) received = Date(value[(semicolon + 1)..]);
                    break;
                case 10 when messageId is null && Is(name, "Message-ID"u8):
                    messageId = Clean(Unfold(value, ref isPartial), MessageIdLimit, ref isPartial);
                    break;
                default:
                    continue;
            }
            // Nothing that follows can change the summary.
            if (hasDate && from is not null && to is not null && subject is not null && messageId is not null && received is not null) break;
        }
        isPartial |= !hasField || fields.End == HeaderEnd.NoField || (fields.End == HeaderEnd.Bytes && head.Length >= MessageBody.HeadLimit);
        return new MessageSummary(from ?? "", to ?? "", subject ?? "", messageId ?? "", date, received, isPartial);
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) => Ascii.EqualsIgnoreCase(name, wanted);

    private static string Text(ReadOnlySpan<byte> value, ref bool isPartial) => Text(value, TextLimit, ref isPartial);

    /// <summary>A field's value as people read it: unfolded, encoded words decoded, without control characters.</summary>
    /// <param name="limit">Longest result, in UTF-16 units.</param>
    /// <param name="isPartial">Set where something was cut or not understood.</param>
    internal static string Text(ReadOnlySpan<byte> value, int limit, ref bool isPartial) =>
        Clean(EncodedWords.Decode(Unfold(value, ref isPartial), ref isPartial), limit, ref isPartial);

    private static DateTimeOffset? Date(ReadOnlySpan<byte> value)
    {
        value = value[..Math.Min(value.Length, DateLimit)];
        Span<char> text = stackalloc char[DateLimit];
        Encoding.Latin1.GetChars(value, text);
        return MailDate.TryParse(text[..value.Length], out DateTimeOffset date) ? date : null;
    }

    /// <summary>The value as one line: line ends before white space are gone (RFC 5322 §2.2.3), lone CRs are spaces.</summary>
    private static string Unfold(ReadOnlySpan<byte> value, ref bool isPartial)
    {
        value = value.Trim(" \t\r\n"u8);
        if (value.Length > RawLimit)
        {
            int length = RawLimit;
            while (length > RawLimit - Utf8Continuations && (value[length] & 0xC0) == 0x80) length--;
            value = value[..length];
            isPartial = true;
        }
        if (value.IndexOfAny((byte)'\r', (byte)'\n') < 0) return MailCharsets.DecodeUnlabelled(value);

        byte[] unfolded = ArrayPool<byte>.Shared.Rent(value.Length);
        int kept = 0;
        for (int at = 0; at < value.Length; at++)
        {
            byte b = value[at];
            if (b is (byte)'\r' or (byte)'\n')
            {
                int next = at + 1;
                while (b == (byte)'\r' && next < value.Length && value[next] == (byte)'\r') next++;
                if (b == (byte)'\r' && next < value.Length && value[next] == (byte)'\n') next++;
                at = next - 1;
                bool isFold = next < value.Length && value[next] is (byte)' ' or (byte)'\t';
                if (isFold) continue;
                b = (byte)' ';
            }
            unfolded[kept++] = b;
        }
        string text = MailCharsets.DecodeUnlabelled(unfolded.AsSpan(0, kept));
        ArrayPool<byte>.Shared.Return(unfolded);
        return text;
    }

    /// <summary>Takes out what may not be shown, and cuts on a character boundary.</summary>
    private static string Clean(string text, int limit, ref bool isPartial)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim(" \t\r\n");
        if (trimmed.Length > limit)
        {
            trimmed = trimmed[..(char.IsHighSurrogate(trimmed[limit - 1]) ? limit - 1 : limit)];
            isPartial = true;
        }
        if (!HasControl(trimmed)) return trimmed.Length == text.Length ? text : trimmed.ToString();
        return string.Create(trimmed.Length, trimmed, static (result, source) =>
        {
            for (int at = 0; at < source.Length; at++)
            {
                char c = source[at];
                result[at] = c is '\r' or '\n' ? ' ' : c != '\t' && char.IsControl(c) ? '\uFFFD' : c;
            }
        });
    }

    private static bool HasControl(ReadOnlySpan<char> text) =>
        text.ContainsAnyInRange('\0', '\u0008') || text.ContainsAnyInRange('\u000a', '\u001f') || text.ContainsAnyInRange('\u007f', '\u009f');
}
