namespace MessageStore.Archiving;

/// <summary>Gathers the messages that could not be read because their archive file is missing: one error a file instead of one a message. Not thread-safe.</summary>
internal sealed class LostFiles
{
    private readonly SortedDictionary<string, (long Messages, MessageStoreException First)> files = new(StringComparer.Ordinal);

    /// <summary>Takes an error where it says that an archive file is missing.</summary>
    public bool Takes(MessageStoreException error)
    {
        if (error.ErrorId != ErrorIds.ArchiveFileMissing || error.Target?.ToString() is not { Length: > 0 } path) return false;
        files[path] = files.TryGetValue(path, out (long Messages, MessageStoreException First) known) ? known with { Messages = known.Messages + 1 } : (1, error);
        return true;
    }

    /// <summary>One error for each missing file, with the number of messages in it.</summary>
    public IEnumerable<(long Messages, MessageStoreException Error)> Errors() => files.Select(f => (f.Value.Messages, new MessageStoreException(
        ErrorIds.ArchiveFileMissing, ErrorKind.Damaged,
        $"{f.Key} is missing from the archive: {f.Value.Messages} of the messages in it were asked for and cannot be read. Bring the file back from another copy.", f.Key, f.Value.First)));
}
