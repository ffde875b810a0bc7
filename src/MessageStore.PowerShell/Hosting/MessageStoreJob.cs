using System.Management.Automation;

namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// A run in the background of this process, as <c>-AsJob</c> returns it. <c>Receive-Job</c> hands out results, errors and warnings as
/// they come, <c>Stop-Job</c> cancels the run and waits until it has left, and a run that failed leaves the job in state Failed.
/// The job ends with the session: a run that must outlive it belongs into a process of its own.
/// </summary>
public sealed class MessageStoreJob : Job, IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Func<IRunOutput, CancellationToken, Task> work;
    private readonly object? target;
    private Task task = Task.CompletedTask;

    internal MessageStoreJob(string command, string name, object? target, Func<IRunOutput, CancellationToken, Task> work)
        : base(command, name)
    {
        PSJobTypeName = nameof(MessageStoreJob);
        this.work = work;
        this.target = target;
    }

    public override string Location => Environment.MachineName;

    public override string StatusMessage => target?.ToString() ?? "";

    public override bool HasMoreData => Output.Count + Error.Count + Warning.Count + Progress.Count > 0;

    public override void StopJob()
    {
        if (IsFinished(JobStateInfo.State)) return;
        SetJobState(JobState.Stopping);
        stop.Cancel();
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
    }

    internal void Start()
    {
        SetJobState(JobState.Running);
        task = Task.Run(ExecuteAsync, CancellationToken.None);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !IsFinished(JobStateInfo.State)) StopJob();
        if (disposing) stop.Dispose();
        base.Dispose(disposing);
    }

    private static bool IsFinished(JobState state) => state is JobState.Completed or JobState.Failed or JobState.Stopped;

    private async Task ExecuteAsync()
    {
        JobState end = JobState.Completed;
        try
        {
            await work(new JobOutput(this), stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            end = JobState.Stopped;
        }
        catch (Exception error)
        {
            Error.Add(ErrorRecords.FromAny(error, target));
            end = JobState.Failed;
        }

        SetJobState(end);
    }

    /// <summary>The job's streams; they hold what comes until it is received.</summary>
    private sealed class JobOutput(MessageStoreJob job) : IRunOutput
    {
        public void Write(object value) => job.Output.Add(PSObject.AsPSObject(value));

        public void Error(ErrorRecord error) => job.Error.Add(error);

        public void Warning(string text) => job.Warning.Add(new WarningRecord(text));

        public void Progress(ProgressRecord record) => job.Progress.Add(record);
    }
}
