namespace MessageStore.Storage;

/// <summary>Makes a backup, or other maintenance, yield to users: measures what their commits take while it runs, and waits where <see cref="PaceControl"/> says so.</summary>
internal sealed class MaintenancePace : IDisposable
{
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(100);

    /// <summary>A window is as long as this where few commit, before nobody is taken to be there.</summary>
    private static readonly TimeSpan LongWindow = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(1);

    private readonly TimeProvider clock;
    private readonly IReadOnlyList<StorageGroup> groups;
    private readonly bool yields;
    private readonly CommitMeter meter = new();
    private readonly PaceControl control;
    private readonly double slowestRate;
    private long windowStart;
    private long windowBytes;
    private bool isFirst = true;
    private bool isHeldBack;

    /// <param name="yields">Whether users go first; otherwise nothing is held back.</param>
    /// <param name="slowestRate">Bytes a second below which it never goes.</param>
    public MaintenancePace(IReadOnlyList<StorageGroup> groups, bool yields, TimeProvider clock, double slowestRate = PaceControl.SlowestRate)
    {
        this.slowestRate = slowestRate;
        control = new PaceControl(slowestRate);
        this.clock = clock;
        this.groups = groups;
        this.yields = yields;
        windowStart = clock.GetTimestamp();
        if (yields)
            foreach (StorageGroup group in groups) group.Meter(meter);
    }

    /// <summary>How often the session slowed down.</summary>
    public int Yields => control.Yields;

    /// <summary>How long it stood still in all.</summary>
    public TimeSpan YieldDuration { get; private set; }

    /// <summary>Whether users are there, so that there is a limit; may be asked from any thread.</summary>
    public bool IsHeldBack => Volatile.Read(ref isHeldBack);

    /// <summary>Called before the next <paramref name="bytes"/> are copied; waits for as long as users need.</summary>
    public void Wait(int bytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!yields) return;
        while (true)
        {
            TimeSpan elapsed = clock.GetElapsedTime(windowStart);
            if (elapsed >= LongWindow || (elapsed >= Window && meter.Count >= PaceControl.FewestCommits))
            {
                control.EndWindow(meter.Take(), windowBytes / elapsed.TotalSeconds);
                windowStart = clock.GetTimestamp();
                windowBytes = 0;
                isFirst = false;
                continue;
            }
            // The control knows of users only when the first window has ended; the session's checkpoint took long enough for them to have shown.
            double rate = isFirst && meter.Count > 0 ? slowestRate : control.Rate;
            Volatile.Write(ref isHeldBack, rate < PaceControl.NoLimit);
            if (rate >= PaceControl.NoLimit || windowBytes + bytes <= rate * elapsed.TotalSeconds || (windowBytes == 0 && rate > 0))
            {
                windowBytes += bytes;
                return;
            }
            TimeSpan next = elapsed < Window ? Window : LongWindow;
            TimeSpan until = rate == 0 ? next : TimeSpan.FromSeconds((windowBytes + bytes) / rate);
            Rest((until < next ? until : next) - elapsed, cancellationToken);
        }
    }

    public void Dispose()
    {
        foreach (StorageGroup group in groups) group.Unmeter(meter);
    }

    private void Rest(TimeSpan time, CancellationToken cancellationToken)
    {
        if (time < ShortestRest) time = ShortestRest;
        long began = clock.GetTimestamp();
        Task.Delay(time, clock, cancellationToken).GetAwaiter().GetResult();
        YieldDuration += clock.GetElapsedTime(began);
    }
}
