namespace MessageStore.PowerShell.Commands;

/// <summary>The errors for things that were asked for by their full name and are not there.</summary>
internal static class Missing
{
    public static MessageStoreException StorageGroup(string name) =>
        new(ErrorIds.GroupNotFound, ErrorKind.NotFound, $"There is no storage group '{name}'.", name);

    public static MessageStoreException Mailbox(string name) =>
        new(ErrorIds.MailboxNotFound, ErrorKind.NotFound, $"There is no mailbox '{name}'.", name);

    public static MessageStoreException Message(Guid id) =>
        new(ErrorIds.MessageNotFound, ErrorKind.NotFound, $"There is no message {id}.", id);

    /// <summary>Whether a name of a mailbox or folder is a pattern for the engine.</summary>
    public static bool IsPattern(string name) => name.AsSpan().ContainsAny('*', '?');
}
