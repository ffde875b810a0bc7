using System.Management.Automation;

namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// Shows how far a run is: a parent bar for the cmdlet and below it one bar for each activity of the engine. At most ten updates a
/// second; every bar that was shown is completed, however the run ends.
/// </summary>
internal sealed class RunProgressReporter(IRunOutput output, string activity, string status) : IProgress<RunProgress>, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static int lastActivityId = 0x4D53;

    private readonly Lock gate = new();
    private readonly Dictionary<string, ProgressRecord> children = [];
    private readonly int parentId = Interlocked.Increment(ref lastActivityId);
    private long shown;
    private bool closed;

    public void Report(RunProgress value)
    {
        ProgressRecord child;
        lock (gate)
        {
            if (closed) return;
            bool isNew = !children.ContainsKey(value.Activity);
            if (!isNew && TimeProvider.System.GetElapsedTime(shown) < Interval) return;
            shown = TimeProvider.System.GetTimestamp();
            if (children.Count == 0) output.Progress(new ProgressRecord(parentId, activity, Text(status)));
            child = isNew ? new ProgressRecord(Interlocked.Increment(ref lastActivityId), Text(value.Activity), " ") : children[value.Activity];
            children[value.Activity] = child;
        }

        // A record is read by the pipeline thread while we go on: never change one that was handed out.
        output.Progress(new ProgressRecord(child.ActivityId, child.Activity, Describe(value))
        {
            ParentActivityId = parentId,
            PercentComplete = value.Total > 0 ? (int)Math.Clamp(value.Done * 100 / value.Total, 0, 100) : -1,
        });
    }

    /// <summary>Completes every bar that was shown. A pipeline that has been stopped takes its bars away by itself.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (closed) return;
            closed = true;
        }

        try
        {
            foreach (ProgressRecord child in children.Values) Complete(child.ActivityId, child.Activity, parentId);
            if (children.Count > 0) Complete(parentId, activity, -1);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Complete(int id, string name, int parent) => output.Progress(
        new ProgressRecord(id, name, "Done") { ParentActivityId = parent, RecordType = ProgressRecordType.Completed });

    private static string Describe(RunProgress value) => Text(value.Total > 0
        ? $"{value.Status} ({value.Done} of {value.Total})"
        : value.Done > 0 ? $"{value.Status} ({value.Done})" : value.Status);

    // ProgressRecord refuses empty text.
    private static string Text(string text) => string.IsNullOrEmpty(text) ? " " : text;
}
