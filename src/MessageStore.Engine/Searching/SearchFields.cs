namespace MessageStore.Searching;

/// <summary>Where in a message a word stands (docs/format-search.md).</summary>
[Flags]
internal enum SearchFields : byte
{
    None = 0,
    From = 1,
    /// <summary>To, Cc and Bcc.</summary>
    To = 2,
    Subject = 4,
    /// <summary>Every text of the message, and the headers of messages inside it.</summary>
    Body = 8,
    /// <summary>Names of files.</summary>
    Attachment = 16,
    Any = From | To | Subject | Body | Attachment,
}
