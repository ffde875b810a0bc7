using System.Diagnostics;

namespace MessageStore;

/// <summary>Counts what a transfer has done, keeps its first errors and reports progress, ten times a second at most.</summary>
internal sealed class TransferTally(string activity, string status, IProgress<RunProgress>? progress)
{
    private const int ErrorsKept = 100;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly List<string> errors = [];
    private TimeSpan reported = -ProgressInterval;

    public long Done { get; private set; }

    public long Failed { get; private set; }

    public long Bytes { get; private set; }

    public long Partial { get; private set; }

    public TimeSpan Duration => watch.Elapsed;

    public IReadOnlyList<string> Errors => errors;

    public void Add(long bytes, bool isPartial)
    {
        Done++;
        Bytes += bytes;
        if (isPartial) Partial++;
        Report();
    }

    public void Add(MessageStoreException error)
    {
        AddFailed();
        Say(error);
    }

    /// <summary>Counts a failure that is said together with others.</summary>
    public void AddFailed()
    {
        Failed++;
        Report();
    }

    /// <summary>Keeps an error that was counted already.</summary>
    public void Say(MessageStoreException error)
    {
        if (errors.Count < ErrorsKept) errors.Add(error.Message);
    }

    private void Report()
    {
        TimeSpan now = watch.Elapsed;
        if (progress is null || now - reported < ProgressInterval) return;
        reported = now;
        progress.Report(new RunProgress(activity, status, Done + Failed, 0));
    }
}
