namespace MessageStore;

/// <summary>The errors of an export, in words.</summary>
internal static class ExportErrors
{
    /// <summary>What a file is called until it is whole.</summary>
    public const string PartialSuffix = ".partial";

    public static MessageStoreException Exists(string path, string why) => new(
        ErrorIds.FileExists, ErrorKind.AlreadyExists, $"{path} is {why}.", path);

    public static MessageStoreException Differs(StoredMessage message) => new(
        ErrorIds.MessageDamaged, ErrorKind.Damaged, $"Message {message.Id} of {message.Mailbox} is not what was stored: its SHA-256 differs.", message.Id);
}
