using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>A backup file: called <c>*.partial</c> until it is complete and durable.</summary>
internal sealed class FileSink : BackupSink
{
    private readonly IStorage storage;
    private readonly IStorageFile file;
    private readonly string path;
    private readonly string partial;
    private readonly DropBehind cache;
    private long length;

    /// <param name="isQuiet">Whether writing gives way to users.</param>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public FileSink(IStorage storage, string path, bool isQuiet)
    {
        this.storage = storage;
        this.path = path;
        partial = path + BackupSession.PartialSuffix;
        storage.CreateFolder(Path.GetDirectoryName(path)!);
        file = storage.Open(partial, FileAccessKind.CreateOrTruncate);
        cache = new DropBehind(file) { IsQuiet = isQuiet };
    }

    public override bool IsStream => false;

    public override void Append(ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes, length);
        length += bytes.Length;
        cache.Written(length);
    }

    public override void Complete()
    {
        file.Flush();
        cache.Flushed(length);
        storage.RenameFile(partial, path);
        storage.FlushFolder(Path.GetDirectoryName(path)!);
    }

    public override void Abandon()
    {
        try
        {
            storage.DeleteFile(partial);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What stays is called *.partial and is never taken for a backup.
        }
    }

    public override void Dispose() => file.Dispose();
}
