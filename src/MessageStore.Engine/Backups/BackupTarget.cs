using System.Collections.Concurrent;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// One place that a backup is written to, by a thread of its own. A failure stays here: the other places go on, and what comes for this one is let go of.
/// </summary>
internal sealed class BackupTarget : IDisposable
{
    private readonly BackupSink sink;
    private readonly BlockingCollection<Block> queue = [];
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread thread;
    private bool wanted;

    /// <param name="path">What errors call it.</param>
    /// <param name="sink">Disposed with this one.</param>
    /// <param name="isQuiet">Whether its thread gives way to users.</param>
    public BackupTarget(string path, BackupSink sink, bool isQuiet)
    {
        Path = path;
        this.sink = sink;
        thread = new Thread(() =>
        {
            if (isQuiet) QuietThread.GiveWay();
            Run();
        }) { IsBackground = true, Name = "backup to " + path };
        thread.Start();
    }

    /// <summary>The complete backup file, once it is that.</summary>
    public string Path { get; }

    /// <summary>Whether it is a pipe or a device.</summary>
    public bool IsStream => sink.IsStream;

    /// <summary>Whether the file is complete, durable and named; of a pipe, whether it has taken everything.</summary>
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
    /// <exception cref="OperationCanceledException">Nobody wants to wait any longer for whoever reads the pipe.</exception>
    public void Join(CancellationToken cancellationToken)
    {
        if (IsStream) ended.Task.Wait(cancellationToken);
        thread.Join();
    }

    /// <summary>Takes away what did not become a backup.</summary>
    public void Dispose()
    {
        if (!queue.IsAddingCompleted) queue.CompleteAdding();
        using (ended.Task.IsCompleted ? null : sink.Free()) thread.Join();
        sink.Dispose();
        queue.Dispose();
        if (!IsComplete) sink.Abandon();
    }

    private void Run()
    {
        foreach (Block block in queue.GetConsumingEnumerable())
        {
            using (block)
            {
                if (Failure is null) Try("writing the backup", () => sink.Append(block.Span));
            }
        }
        if (wanted && Failure is null) Try("completing the backup", () =>
        {
            sink.Complete();
            IsComplete = true;
        });
        ended.SetResult();
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
