using System.Collections.Concurrent;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// One place that a backup is written to, by a thread of its own. A failure stays here: the other places go on, and what comes for this one is let go of.
/// </summary>
internal sealed class BackupTarget : IDisposable
{
    /// <summary>The system is asked to begin writing out after this many bytes, so that the flush at the end finds little to do and no other file's flush waits behind a heap of ours.</summary>
    private const long FlushStep = 8 << 20;

    private readonly IStorage storage;
    private readonly IStorageFile file;
    private readonly string partial;
    private readonly BlockingCollection<Block> queue = [];
    private readonly Thread thread;
    private long length;
    private long begun;
    private bool wanted;

    /// <exception cref="IOException">The file cannot be created.</exception>
    public BackupTarget(IStorage storage, string path)
    {
        this.storage = storage;
        Path = path;
        partial = path + BackupSession.PartialSuffix;
        storage.CreateFolder(System.IO.Path.GetDirectoryName(path)!);
        file = storage.Open(partial, FileAccessKind.CreateOrTruncate);
        thread = new Thread(Run) { IsBackground = true, Name = "backup to " + path };
        thread.Start();
    }

    /// <summary>The complete backup file, once it is that.</summary>
    public string Path { get; }

    /// <summary>Whether the file is complete, durable and named.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Why this place has no backup.</summary>
    public MessageStoreException? Failure { get; private set; }

    /// <summary>Takes a block over.</summary>
    public void Add(Block block) => queue.Add(block);

    /// <summary>Says that all has come and the file may be named when it is durable.</summary>
    public void Finish()
    {
        wanted = true;
        queue.CompleteAdding();
    }

    /// <summary>Waits until the file is complete, or has failed.</summary>
    public void Join() => thread.Join();

    /// <summary>Takes away what did not become a backup.</summary>
    public void Dispose()
    {
        if (!queue.IsAddingCompleted) queue.CompleteAdding();
        thread.Join();
        file.Dispose();
        queue.Dispose();
        if (IsComplete) return;
        try
        {
            storage.DeleteFile(partial);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What stays is called *.partial and is never taken for a backup.
        }
    }

    private void Run()
    {
        foreach (Block block in queue.GetConsumingEnumerable())
        {
            using (block)
            {
                if (Failure is null) Try("writing the backup", () => Append(block.Span));
            }
        }
        if (wanted && Failure is null) Try("completing the backup", Complete);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes, length);
        length += bytes.Length;
        if (length - begun < FlushStep) return;
        file.BeginFlush(begun, length - begun);
        begun = length;
    }

    private void Complete()
    {
        file.Flush();
        storage.RenameFile(partial, Path);
        storage.FlushFolder(System.IO.Path.GetDirectoryName(Path)!);
        IsComplete = true;
    }

    /// <summary>Whatever goes wrong is this place's failure: an exception that ended this thread would end the process and with it everybody's mail.</summary>
    private void Try(string what, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error)
        {
            Failure = StorageErrors.Wrap(error, what, Path);
        }
    }
}
