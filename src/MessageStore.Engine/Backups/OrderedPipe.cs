using System.Collections.Concurrent;

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
    private readonly Thread thread;
    private Exception? failure;

    /// <param name="name">What its thread is called.</param>
    /// <param name="work">Done on several threads.</param>
    /// <param name="pass">Takes the blocks over in order, on one thread; a block that it does not keep it disposes.</param>
    public OrderedPipe(string name, Action<Block> work, Action<Block> pass)
    {
        this.work = work;
        this.pass = pass;
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
        queue.Add((block, Task.Run(() => work(block))));
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
    }

    private void End()
    {
        if (!queue.IsAddingCompleted) queue.CompleteAdding();
        thread.Join();
    }

    private void Run()
    {
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
