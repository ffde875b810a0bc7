using MessageStore.IO;

namespace MessageStore.Messages;

/// <summary>
/// Reads mail where people have it: a file that is one message, an mbox file, either of them packed with gzip, a Maildir with its Maildir++
/// subfolders, or a folder of all that. What a file is, its name says (<c>.eml</c>, <c>.mbox</c>, <c>.mbx</c>, <c>.gz</c>) or else its first bytes.
/// </summary>
public static class MailFiles
{
    private const string GzipExtension = ".gz";

    /// <summary>
    /// The messages at a path, lazily: one body at a time is in memory or in a temporary file, and the taker disposes it. Files of a folder come in
    /// ordinal order of their names.
    /// </summary>
    /// <remarks>
    /// What cannot be read is an item with an error, and the enumeration goes on with the next file: NotMail, MailTruncated, MailDamaged, MessageTooLarge,
    /// InvalidName (a Maildir++ folder's), AccessDenied, DeviceFailed, DiskFull (of the temporary folder). In a folder, hidden
    /// files are passed over; every other file that is no mail is reported.
    /// </remarks>
    /// <param name="path">A file or a folder.</param>
    /// <exception cref="MessageStoreException">PathNotFound: there is nothing at that path.</exception>
    public static IEnumerable<SourceItem> Open(string path) => Open(path, MessageBody.LengthLimit);

    internal static IEnumerable<SourceItem> Open(string path, long lengthLimit)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full)) return MailFolder.Read(full, lengthLimit);
        if (File.Exists(full)) return ReadFile(full, lengthLimit);
        throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no file or folder {full}.", full);
    }

    /// <summary>The messages of a file, whatever kind of mail it is.</summary>
    internal static IEnumerable<SourceItem> ReadFile(string path, long lengthLimit)
    {
        Stream? stream = Open(path, SayWhat, out MailKind kind, out SourceItem? trouble);
        if (trouble is { } item) yield return item;
        if (stream is null) yield break;
        using (stream)
        {
            if (kind == MailKind.Message)
            {
                yield return ReadMessage(stream, path, lengthLimit, null, MessageFlags.None, null);
                yield break;
            }
            foreach (SourceItem message in new MboxReader(stream, path, lengthLimit).Read()) yield return message;
        }
    }

    /// <summary>The message that a file of a Maildir is, packed or not. Whatever lies there is a message.</summary>
    internal static SourceItem ReadMaildirFile(string path, long lengthLimit, string? folder)
    {
        string name = Path.GetFileName(path);
        Stream? stream = Open(path, (_, head) => MailSniffer.IsGzip(head) ? MailKind.Gzip : MailKind.Message, out _, out SourceItem? trouble);
        using (stream)
        {
            return stream is null
                ? trouble.GetValueOrDefault()
                : ReadMessage(stream, path, lengthLimit, MaildirName.Received(name), MaildirName.Flags(name), folder);
        }
    }

    private delegate MailKind Sniff(string path, ReadOnlySpan<byte> head);

    /// <summary>Opens a file at its start, unpacked. No stream and no trouble: an empty mbox.</summary>
    private static Stream? Open(string path, Sniff sniff, out MailKind kind, out SourceItem? trouble)
    {
        kind = MailKind.NotMail;
        trouble = null;
        FileStream? file = null;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 64 << 10, FileOptions.SequentialScan);
            Stream stream = file;
            byte[] head = new byte[MailSniffer.HeadLength];
            kind = sniff(path, head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
            file.Position = 0;
            if (kind == MailKind.Gzip)
            {
                kind = sniff(Unpacked(path), head.AsSpan(0, ReadHead(new GzipMemberStream(file), head)));
                file.Position = 0;
                stream = new GzipMemberStream(file);
            }
            if (kind is MailKind.Message or MailKind.Mbox)
            {
                file = null;
                return stream;
            }
            if (kind != MailKind.Empty) trouble = new SourceItem(SourceErrors.NotMail(path, "it is neither a message nor an mbox file"));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            trouble = new SourceItem(SourceErrors.Unreadable(error, path, 0));
        }
        finally
        {
            file?.Dispose();
        }
        return null;
    }

    private static MailKind SayWhat(string path, ReadOnlySpan<byte> head) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".EML" => MailSniffer.IsSomethingElse(head) ? MailKind.NotMail : MailKind.Message,
        // Its reader has the better words for an mbox that is none.
        ".MBOX" or ".MBX" when !MailSniffer.IsGzip(head) => head.IsEmpty ? MailKind.Empty : MailKind.Mbox,
        _ => MailSniffer.Detect(head),
    };

    private static string Unpacked(string path) =>
        path.EndsWith(GzipExtension, StringComparison.OrdinalIgnoreCase) ? path[..^GzipExtension.Length] : path;

    /// <summary>The first bytes of a packed file, as many as can be had: where they end too early, the real reading will say so.</summary>
    private static int ReadHead(GzipMemberStream stream, byte[] head)
    {
        int length = 0;
        try
        {
            while (length < head.Length && stream.Read(head.AsSpan(length)) is int read and > 0) length += read;
        }
        catch (BrokenGzipException) when (length > 0)
        {
        }
        return length;
    }

    private static SourceItem ReadMessage(Stream stream, string path, long lengthLimit, DateTimeOffset? received, MessageFlags flags, string? folder)
    {
        try
        {
            return new SourceItem(new SourceMessage(MessageBody.FromStream(stream, path, lengthLimit), received, flags, path, folder));
        }
        catch (MessageStoreException error)
        {
            return new SourceItem(error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new SourceItem(SourceErrors.Unreadable(error, path, 0));
        }
    }
}
