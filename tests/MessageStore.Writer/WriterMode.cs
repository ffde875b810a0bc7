namespace MessageStore.Writer;

/// <summary>What goes on beside the writers, or instead of them.</summary>
internal enum WriterMode
{
    /// <summary>Writers alone, until the process is killed.</summary>
    Write,

    /// <summary>Archive runs, one after the other, beside the writers.</summary>
    Archive,

    /// <summary>Backups, one after the other, beside the writers.</summary>
    Backup,

    /// <summary>Checkpoints, one after the other, beside the writers.</summary>
    Checkpoint,

    /// <summary>Compactions, one after the other, beside the writers.</summary>
    Compact,

    /// <summary>Imports of a folder of mail, one after the other, beside the writers.</summary>
    Import,

    /// <summary>Many small messages, so that the index is large; ends by itself.</summary>
    Bulk,

    /// <summary>Writers until a group closes for writing; then what was acknowledged is read back and the process ends by itself.</summary>
    UntilClosed,
}
