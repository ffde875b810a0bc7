using System.Diagnostics;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// The one thread that writes a group. It gathers whatever has come in while the last flush was under way, writes it with one write, makes it
/// durable with one flush, applies it to the index, and only then says so to those who wait (design §4, group commit).
/// </summary>
internal sealed partial class GroupCommitter : IDisposable
{
    private const int LargestBatch = 4 << 20;

    /// <summary>The longest time that a flush is put off so that more can share it: about what the flush itself takes.</summary>
    private static readonly long GatherLimit = Stopwatch.Frequency / 5000;

    private readonly GroupIdentity identity;
    private readonly GroupOptions options;
    private readonly LogWriter log;
    private readonly SegmentStore segments;
    private readonly MessageIndex index;
    private readonly Applier applier;
    private readonly Thread thread;
    private readonly Lock gate = new();
    private readonly AutoResetEvent wake = new(false);
    private readonly List<Placement> placements = [];
    private List<object> incoming = [];
    private List<object> working = [];
    private MessageStoreException? failure;
    private MessageStoreException? retired;
    private volatile CommitMeter[] meters = [];
    private int waiting;
    private int expected;
    private int late;
    private GatherHabit habit;
    private bool stopping;
    private bool asleep;
    private bool hasWitness;
    private ulong lastLsn;
    private long lastTime;
    private long logBytes;
    private long rotateAt;

    /// <param name="lastLsn">The newest durable transaction.</param>
    /// <param name="lastTime">Its time: commit times never go back, so that a point in time is one place in the log.</param>
    public GroupCommitter(GroupIdentity identity, GroupOptions options, LogWriter log, SegmentStore segments, MessageIndex index,
        Applier applier, ulong lastLsn, long lastTime)
    {
        this.identity = identity;
        this.options = options;
        this.log = log;
        this.segments = segments;
        this.index = index;
        this.applier = applier;
        this.lastLsn = lastLsn;
        this.lastTime = lastTime;
        thread = new Thread(Run) { IsBackground = true, Name = $"committer {identity.Name}" };
    }

    /// <summary>The newest transaction that is durable and visible.</summary>
    public ulong LastLsn => Volatile.Read(ref lastLsn);

    /// <summary>When it was committed, UTC ticks.</summary>
    public long LastTime => Volatile.Read(ref lastTime);

    /// <summary>Log bytes written since this committer began.</summary>
    public long LogBytes => Volatile.Read(ref logBytes);

    /// <summary>Why the group is closed for writing; <see langword="null"/> while it is open.</summary>
    public MessageStoreException? Failure => Volatile.Read(ref failure);

    /// <summary>Why the group is about to go out of service; what was handed in before it ends is still committed.</summary>
    public MessageStoreException? Retired
    {
        get => Volatile.Read(ref retired);
        set => Volatile.Write(ref retired, value);
    }

    /// <summary>Called on the committer's thread after each group of transactions.</summary>
    public Action? AfterCommit { get; set; }

    /// <summary>Those that are told how long transactions take.</summary>
    public IReadOnlyList<CommitMeter> Meters => meters;

    /// <summary>Tells a meter how long each transaction takes, until <see cref="Unmeter"/>: a backup's and a test's may listen side by side.</summary>
    public void Meter(CommitMeter meter)
    {
        lock (gate) meters = [.. meters, meter];
    }

    public void Unmeter(CommitMeter meter)
    {
        lock (gate) meters = [.. meters.Where(m => m != meter)];
    }

    public void Start() => thread.Start();

    /// <summary>Hands a transaction in; <see cref="Transaction.Committed"/> tells its fate.</summary>
    public void Submit(Transaction transaction) => Enqueue([transaction]);

    /// <summary>Hands in several at once: they are written in this order, next to each other.</summary>
    public void Submit(IReadOnlyList<Transaction> transactions)
    {
        if (transactions.Count > 0) Enqueue([.. transactions]);
    }

    /// <summary>Runs something on the committer's thread between two groups of transactions.</summary>
    public Task<T> RunAsync<T>(Func<T> action)
    {
        var work = new ControlWork<T>(action);
        Enqueue([work]);
        return work.Task;
    }

    /// <summary>Puts a witness behind the last transactions now, which otherwise comes when the log has been at rest for a while.</summary>
    public Task WitnessAsync() => RunAsync(() =>
    {
        Witness();
        return true;
    });

    /// <summary>Closes the group for writing. Whoever waits, and whoever comes later, gets the reason.</summary>
    public void Close(MessageStoreException reason) => Interlocked.CompareExchange(ref failure, reason, null);

    /// <summary>Ends the thread after all that was handed in is done.</summary>
    public void Dispose()
    {
        lock (gate) stopping = true;
        wake.Set();
        if (thread.IsAlive) thread.Join();
        wake.Dispose();
    }

    private void Enqueue(ReadOnlySpan<object> items)
    {
        bool mustWake;
        if (meters.Length > 0)
        {
            long now = Stopwatch.GetTimestamp();
            foreach (object item in items)
                if (item is Transaction transaction) transaction.Submitted = now;
        }
        lock (gate)
        {
            if (stopping) throw Retired ?? (Exception)new ObjectDisposedException(thread.Name);
            incoming.AddRange(items);
            waiting += items.Length;
            mustWake = asleep;
            asleep = false;
        }
        if (mustWake) wake.Set();
    }

    private void Run()
    {
        while (true)
        {
            bool stop, idle;
            Gather();
            lock (gate)
            {
                (incoming, working) = (working, incoming);
                waiting = 0;
                idle = working.Count == 0;
                asleep = idle;
                stop = stopping;
            }
            if (idle)
            {
                if (stop) Witness();
                if (stop) return;
                if (!wake.WaitOne(hasWitness ? Timeout.InfiniteTimeSpan : options.WitnessAfter)) Witness();
                continue;
            }
            int served = working.Count;
            Process();
            working.Clear();
            expected = served >= 32 ? 0 : served + late;
        }
    }

    /// <summary>
    /// Waits a moment for those who were just answered to come back with their next transaction, so that the next flush serves all of them and not the fastest
    /// few. As many are expected as the last flush answered and found waiting; a single writer is never made to wait, nor is anybody for long for those who do not come.
    /// </summary>
    private void Gather()
    {
        if (expected <= 1 || !habit.Try()) return;
        long limit = Stopwatch.GetTimestamp() + GatherLimit;
        while (Volatile.Read(ref waiting) < expected && Stopwatch.GetTimestamp() < limit) Thread.Yield();
        habit.Learn(Volatile.Read(ref waiting), expected);
    }

    private void Process()
    {
        int start = 0;
        while (start < working.Count)
        {
            if (working[start] is IControlWork work)
            {
                work.Execute();
                start++;
                continue;
            }
            int count = 0, length = 0;
            while (start + count < working.Count && working[start + count] is Transaction next
                && (count == 0 || length + next.FrameLength <= LargestBatch))
            {
                length += next.FrameLength;
                count++;
            }
            Commit(start, count, length);
            start += count;
        }
        AfterCommit?.Invoke();
    }

    private interface IControlWork
    {
        void Execute();
    }

    private sealed class ControlWork<T>(Func<T> action) : IControlWork
    {
        private readonly TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => done.Task;

        public void Execute()
        {
            try
            {
                done.SetResult(action());
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        }
    }
}
