using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>The places that get the same backup, side by side (design §6). It fails only when none is left.</summary>
internal sealed class BackupTargets : IDisposable
{
    private readonly List<BackupTarget> open = [];
    private readonly List<BackupCopy> refused = [];

    /// <param name="paths">Files to be made; what is there already is a pipe or a device.</param>
    /// <param name="isQuiet">Whether writing gives way to users.</param>
    /// <exception cref="MessageStoreException">None of the files could be created.</exception>
    public BackupTargets(IStorage storage, IReadOnlyList<string> paths, bool isQuiet)
    {
        MessageStoreException? first = null;
        foreach (string path in paths)
        {
            try
            {
                open.Add(new BackupTarget(path, BackupSession.IsStream(storage, path) ? new PipeSink(storage, path) : new FileSink(storage, path, isQuiet), isQuiet));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                MessageStoreException wrapped = StorageErrors.Wrap(error, "beginning the backup", path);
                first ??= wrapped;
                refused.Add(new BackupCopy { Path = path, ErrorId = wrapped.ErrorId, Reason = wrapped.Message });
            }
        }
        if (open.Count == 0) throw first!;
    }

    /// <summary>How many bytes every place has been given.</summary>
    public long Bytes { get; private set; }

    /// <summary>What became of each place.</summary>
    public BackupCopy[] Copies =>
        [.. open.Select(t => new BackupCopy { Path = t.Path, IsComplete = t.IsComplete, IsStream = t.IsStream, ErrorId = t.Failure?.ErrorId ?? "", Reason = t.Failure?.Message ?? "" }), .. refused];

    /// <summary>Hands the next bytes to every place.</summary>
    /// <exception cref="MessageStoreException">No place is left that takes them.</exception>
    public void Add(Block block)
    {
        Bytes += block.Length;
        if (open.TrueForAll(t => t.Failure is not null))
        {
            block.Dispose();
            throw open[0].Failure!;
        }
        block.Hold(open.Count - 1);
        foreach (BackupTarget target in open) target.Add(block);
    }

    /// <summary>Makes every file durable and names it.</summary>
    /// <exception cref="MessageStoreException">No file could be completed.</exception>
    /// <exception cref="OperationCanceledException">Only while somebody is waited for who reads a pipe.</exception>
    public void Complete(CancellationToken cancellationToken)
    {
        foreach (BackupTarget target in open) target.Finish();
        foreach (BackupTarget target in open) target.Join(cancellationToken);
        if (!open.Exists(t => t.IsComplete)) throw open[0].Failure!;
    }

    public void Dispose()
    {
        foreach (BackupTarget target in open) target.Dispose();
    }
}
