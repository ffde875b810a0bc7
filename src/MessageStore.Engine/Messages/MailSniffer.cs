using System.Text;

namespace MessageStore.Messages;

/// <summary>What a file of mail is, by its first bytes.</summary>
internal enum MailKind
{
    NotMail,
    Empty,
    Message,
    Mbox,
    Gzip,
}

/// <summary>Tells mail from what is none. Takes the file's first bytes, not all of it.</summary>
internal static class MailSniffer
{
    /// <summary>How many bytes are looked at.</summary>
    public const int HeadLength = 4 << 10;

    private const int FieldNameLimit = 76;
    private const int BinaryLookLength = 512;

    /// <summary>Field names that say "this is mail" where a file's name does not.</summary>
    private static readonly string[] MailFields =
    [
        "from", "to", "cc", "subject", "date", "received", "return-path", "message-id", "mime-version", "content-type", "delivered-to", "reply-to", "sender",
    ];

    /// <summary>Judges a file whose name says nothing: only what has the shape of mail is mail.</summary>
    public static MailKind Detect(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty) return MailKind.Empty;
        if (IsGzip(head)) return MailKind.Gzip;
        ReadOnlySpan<byte> text = head.TrimStart("\r\n"u8);
        if (FromLine.TryParse(FirstLine(text), out _)) return MailKind.Mbox;
        return IsHeader(text) ? MailKind.Message : MailKind.NotMail;
    }

    /// <summary>
    /// Whether a file that calls itself one message is something else: it begins with no header field, and either with the signature of another kind of
    /// file or with NUL bytes.
    /// </summary>
    public static bool IsSomethingElse(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty || FieldName(FirstLine(head)) > 0 || head.StartsWith("From "u8)) return false;
        return HasForeignSignature(head) || head[..Math.Min(head.Length, BinaryLookLength)].Contains((byte)0);
    }

    public static bool IsGzip(ReadOnlySpan<byte> head) => head.Length >= 2 && head[0] == 0x1F && head[1] == 0x8B;

    private static bool HasForeignSignature(ReadOnlySpan<byte> head) =>
        (head[0] == 0x89 && head[1..].StartsWith("PNG"u8))
        || head.StartsWith("\u007fELF"u8) || head.StartsWith("PK\u0003\u0004"u8) || head.StartsWith("%PDF-"u8) || head.StartsWith("GIF8"u8)
        || head.StartsWith("BZh"u8) || head.StartsWith("7z"u8) || head.StartsWith("RIFF"u8) || head.StartsWith("SQLite format 3"u8)
        || head.StartsWith("!BDN"u8) || head.StartsWith("MZ"u8) || IsGzip(head)
        || head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) || head.StartsWith((ReadOnlySpan<byte>)[0xD0, 0xCF, 0x11, 0xE0])
        || head.StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) || head.StartsWith((ReadOnlySpan<byte>)[0xFD, 0x37, 0x7A, 0x58]);

    /// <summary>Whether the text is header fields up to an empty line or its end, at least one of them known from mail.</summary>
    private static bool IsHeader(ReadOnlySpan<byte> text)
    {
        bool known = false;
        bool first = true;
        while (!text.IsEmpty)
        {
            ReadOnlySpan<byte> line = FirstLine(text);
            bool isCut = line.Length == text.Length;
            text = text[Math.Min(text.Length, line.Length + 1)..];
            line = line.TrimEnd((byte)'\r');
            if (line.IsEmpty) break;
            bool skipped = line[0] is (byte)' ' or (byte)'\t' ? !first : line.StartsWith(">From "u8);
            int name = skipped ? 0 : FieldName(line);
            if (name > 0) known |= MailFields.Contains(Encoding.ASCII.GetString(line[..name]), StringComparer.OrdinalIgnoreCase);
            else if (!skipped && !isCut) return false;
            first = false;
        }
        return known;
    }

    /// <summary>Length of the name of the header field that a line begins; 0 where it begins none (RFC 5322 §2.2).</summary>
    private static int FieldName(ReadOnlySpan<byte> line)
    {
        int colon = line[..Math.Min(line.Length, FieldNameLimit + 1)].IndexOf((byte)':');
        if (colon < 1) return 0;
        ReadOnlySpan<byte> name = line[..colon].TrimEnd(" \t"u8);
        return name.IsEmpty || name.ContainsAnyExceptInRange((byte)'!', (byte)'~') ? 0 : name.Length;
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)'\n');
        return end < 0 ? text : text[..end];
    }
}
