namespace MessageStore;

/// <summary>Names and sizes that every part of the store agrees on.</summary>
public static class StoreLimits
{
    /// <summary>The folder that exists always.</summary>
    public const string Inbox = "Inbox";

    /// <summary>Longest mailbox, folder or storage group name, in UTF-16 code units after normalization.</summary>
    public const int NameLength = 255;
}
