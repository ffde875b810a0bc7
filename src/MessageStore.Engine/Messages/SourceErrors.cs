using MessageStore.IO;

namespace MessageStore.Messages;

/// <summary>The errors that files of mail give, in words.</summary>
internal static class SourceErrors
{
    /// <summary>A file that is no mail.</summary>
    public static MessageStoreException NotMail(string path, string why) => new(
        ErrorIds.NotMail, ErrorKind.InvalidArgument, $"{path} is no mail: {why}.", path);

    /// <summary>A file that could be read only so far.</summary>
    /// <param name="error">What stopped the reader.</param>
    /// <param name="path">The file.</param>
    /// <param name="whole">How many messages came out whole before.</param>
    public static MessageStoreException Unreadable(Exception error, string path, long whole)
    {
        if (error is not BrokenGzipException broken) return StorageErrors.Wrap(error, "reading mail", path);
        string count = whole == 1 ? "1 message before it came out whole" : $"{whole} messages before it came out whole";
        return broken.IsCut
            ? new MessageStoreException(ErrorIds.MailTruncated, ErrorKind.Damaged,
                $"{path} is cut at offset {broken.Offset}: {broken.Message}; {count}.", path, error)
            : new MessageStoreException(ErrorIds.MailDamaged, ErrorKind.Damaged,
                $"{path} is damaged at offset {broken.Offset}: {broken.Message}; {count}.", path, error);
    }
}
