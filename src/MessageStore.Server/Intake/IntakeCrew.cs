namespace MessageStore.Server.Intake;

/// <summary>
/// The threads of one address. A session begins on the one that took its connection and may hold it up for a short while: whoever brings mail mostly answers at once, and a thread that waits in the call that receives is
/// woken once for it, where one of the pool is woken by another that was. There are as many as are held up at once, up to a bound, and one more; beyond the bound nobody may be held up, so that one is always about to
/// take the next connection. Whoever takes his time is waited for without a thread.
/// </summary>
/// <param name="most">Most threads.</param>
/// <param name="work">Waits for a connection and begins its session; returns whether there may be another.</param>
internal sealed class IntakeCrew(int most, Func<bool> work)
{
    /// <summary>Longest time for which a session holds up a thread until something comes.</summary>
    public static readonly TimeSpan HoldTime = TimeSpan.FromMilliseconds(5);

    /// <summary>Longest time for which it does so until its message is durable.</summary>
    private static readonly TimeSpan CommitTime = TimeSpan.FromMilliseconds(20);

    [ThreadStatic]
    private static IntakeCrew? current;

    [ThreadStatic]
    private static Signal? signal;

    private int threads;
    private int busy;

    /// <summary>Whether a socket can be waited for without a thread after a wait that was too short. On Windows its state is not defined then.</summary>
    public static bool CanHold => OperatingSystem.IsLinux();

    /// <summary>Whether the thread that asks may be held up.</summary>
    public static bool MayHold => current is { } crew && Volatile.Read(ref crew.busy) < crew.Most;

    /// <summary>Threads at this moment.</summary>
    public int Threads => Volatile.Read(ref threads);

    private int Most => most;

    /// <summary>Waits for a task for a short while, if the thread that asks may be held up.</summary>
    public static void Hold(Task task)
    {
        if (task.IsCompleted || !MayHold) return;
        Signal own = signal ??= new Signal();
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(own.Wake);
        if (!own.WaitOne(CommitTime)) signal = null; // it will be set some time, for nobody
    }

    /// <summary>Starts the first thread.</summary>
    /// <exception cref="OutOfMemoryException">The system has no thread left.</exception>
    public void Start() => Add();

    /// <summary>Runs a session on the thread that took its connection, as far as it goes without a longer wait.</summary>
    public void Run(Action<object> begin, object session)
    {
        bool isLast = Interlocked.Increment(ref busy) == Threads;
        try
        {
            // Where the system has no thread left, connections wait until this one is free again.
            if (isLast && Threads < most) TryAdd();
            begin(session);
        }
        finally
        {
            Interlocked.Decrement(ref busy);
        }
    }

    private void TryAdd()
    {
        try
        {
            Add();
        }
        catch (OutOfMemoryException)
        {
            Interlocked.Decrement(ref threads);
        }
    }

    private void Add()
    {
        Interlocked.Increment(ref threads);
        new Thread(() =>
        {
            current = this;
            while (work())
            {
            }
        })
        { IsBackground = true, Name = "mail intake" }.Start();
    }

    /// <summary>Wakes one thread; one for all of its waits.</summary>
    private sealed class Signal : EventWaitHandle
    {
        public Signal() : base(false, EventResetMode.AutoReset) => Wake = () => Set();

        public Action Wake { get; }
    }
}
