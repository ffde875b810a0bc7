using System.Collections.Concurrent;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Work on many blocks at once whose results go on in the order in which the blocks came. A failure of either half reaches the caller with its next call; from
/// then on blocks are let go of without a look, so that nobody waits for ever.
/// </summary>
internal sealed class OrderedPipe : IDisposable
{
    private readonly BlockingCollection<(Block Block, Task Done)> queue = [];
    private readonly Action<Block> work;
    private readonly Action<Block> pass;
    private readonly BlockingCollection<Task>? quietWork;
    private readonly Thread[] quietThreads = [];
    private readonly Thread thread;
    private Exception? failure;

    /// <param name="name">What its thread is called.</param>
    /// <param name="work">Done on several threads.</param>
    /// <param name="pass">Takes the blocks over in order, on one thread; a block that it does not keep it disposes.</param>
    /// <param name="isQuiet">Whether all of it gives way to users, on threads of its own: a block takes milliseconds, and on the pool's threads whoever answers users would wait for that.</param>
    public OrderedPipe(string name, Action<Block> work, Action<Block> pass, bool isQuiet = false)
    {
        this.work = work;
        this.pass = pass;
        if (isQuiet)
        {
            quietWork = [];
            quietThreads = new Thread[Environment.ProcessorCount];
            for (int i = 0; i < quietThreads.Length; i++)
            {
                quietThreads[i] = new Thread(Work) { IsBackground = true, Name = $"{name} {i + 1}" };
                quietThreads[i].Start();
            }
        }
        thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

    /// <summary>Hands a block in.</summary>
    public void Add(Block block)
    {
        if (Volatile.Read(ref failure) is { } failed)
        {
            block.Dispose();
            throw failed;
        }
        var task = new Task(() => work(block));
        if (quietWork is null) task.Start(TaskScheduler.Default);
        else quietWork.Add(task);
        queue.Add((block, task));
    }

    /// <summary>Waits until all that was handed in has been passed on. Nothing more can be handed in.</summary>
    public void Complete()
    {
        End();
        if (failure is not null) throw failure;
    }

    public void Dispose()
    {
        End();
        queue.Dispose();
        quietWork?.Dispose();
    }

    private void End()
    {
        if (!queue.IsAddingCompleted) queue.CompleteAdding();
        if (quietWork is { IsAddingCompleted: false }) quietWork.CompleteAdding();
        thread.Join();
        foreach (Thread quiet in quietThreads) quiet.Join();
    }

    private void Work()
    {
        QuietThread.GiveWay();
        foreach (Task task in quietWork!.GetConsumingEnumerable()) task.RunSynchronously(TaskScheduler.Default);
    }

    private void Run()
    {
        if (quietWork is not null) QuietThread.GiveWay();
        foreach ((Block block, Task done) in queue.GetConsumingEnumerable())
        {
            try
            {
                done.GetAwaiter().GetResult();
            }
            catch (Exception error)
            {
                Fail(error);
            }
            if (Volatile.Read(ref failure) is not null)
            {
                block.Dispose();
                continue;
            }
            try
            {
                pass(block);
            }
            catch (Exception error)
            {
                Fail(error);
            }
        }
    }

    /// <summary>Kept for the caller, whatever it is: an exception that ended this thread would end the process and with it everybody's mail.</summary>
    private void Fail(Exception error) => Interlocked.CompareExchange(ref failure, error, null);
}
