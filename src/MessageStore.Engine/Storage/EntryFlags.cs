namespace MessageStore.Storage;

/// <summary>A message's flags as the index keeps them: the user's in the low byte, the store's own above.</summary>
[Flags]
internal enum EntryFlags : ushort
{
    None = 0,
    UserMask = 0xFF,
    Archived = 256,
    /// <summary>In the hidden folder: waiting for an archiver.</summary>
    Tagged = 512,
    /// <summary>The header could be read only in part.</summary>
    Partial = 1024,
    /// <summary>Only in an image: it was brought back from the archive, and counts only where its message is there and archived.</summary>
    Recall = 2048,
    /// <summary>The slot holds a message. Never written into an image.</summary>
    InUse = 0x8000,
}
