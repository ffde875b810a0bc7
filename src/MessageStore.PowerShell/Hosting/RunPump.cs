using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;

namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// Runs a task of the engine while the pipeline thread, the only one that may write, hands on what the task produces. Objects leave
/// as they come; a pipeline that is slow to take them slows the task (at most <see cref="Capacity"/> wait).
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A task that outlives its grace still adds to the queue; it holds no handle of the system.")]
internal sealed class RunPump : IRunOutput
{
    /// <summary>Objects that may wait for the pipeline thread.</summary>
    private const int Capacity = 256;

    /// <summary>How long a cancelled task gets to end before it is left to itself: Ctrl+C returns within 2 seconds.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);

    private readonly BlockingCollection<Action<Cmdlet>> queue = new(Capacity);
    private readonly CancellationToken stop;

    private RunPump(CancellationToken stop) => this.stop = stop;

    public void Write(object value) => Add(cmdlet => cmdlet.WriteObject(value));

    public void Error(ErrorRecord error) => Add(cmdlet => cmdlet.WriteError(error));

    public void Warning(string text) => Add(cmdlet => cmdlet.WriteWarning(text));

    public void Progress(ProgressRecord record) => Add(cmdlet => cmdlet.WriteProgress(record));

    /// <summary>Runs the work to its end and returns the exception it ended with, or <see langword="null"/>.</summary>
    /// <exception cref="PipelineStoppedException">The pipeline was stopped.</exception>
    public static Exception? Run(Cmdlet cmdlet, Func<IRunOutput, CancellationToken, Task> work, CancellationToken stopping)
    {
        // Not disposed: a task that outlives its grace still looks at it.
        var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var pump = new RunPump(stop.Token);
        Task task = Task.Run(() => pump.WorkAsync(work), CancellationToken.None);
        try
        {
            foreach (Action<Cmdlet> action in pump.queue.GetConsumingEnumerable(stop.Token)) action(cmdlet);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Leave(task);
            throw new PipelineStoppedException();
        }
        catch
        {
            // Downstream has had enough (Select-Object -First) or failed: what we still produce is for nobody.
            stop.Cancel();
            Leave(task);
            throw;
        }

        // The queue closes a moment before the task has its result.
        Task.WhenAny(task).GetAwaiter().GetResult();
        return task.Exception?.InnerException ?? (task.IsCanceled ? new OperationCanceledException() : null);
    }

    private async Task WorkAsync(Func<IRunOutput, CancellationToken, Task> work)
    {
        try
        {
            await work(this, stop).ConfigureAwait(false);
        }
        finally
        {
            queue.CompleteAdding();
        }
    }

    private void Add(Action<Cmdlet> action)
    {
        try
        {
            queue.Add(action, stop);
        }
        catch (InvalidOperationException)
        {
            // A progress report that comes after the end.
        }
    }

    private static void Leave(Task task)
    {
        // WhenAny neither throws nor leaves the exception unobserved by us: it no longer matters to anyone.
        task.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
        Task.WhenAny(task, Task.Delay(Grace)).GetAwaiter().GetResult();
    }
}
