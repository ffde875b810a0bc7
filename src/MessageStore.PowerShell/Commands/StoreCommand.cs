using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>What all cmdlets share: running the engine's tasks, stopping them, and reporting their errors.</summary>
public abstract class StoreCommand : PSCmdlet, IDisposable
{
    // Not disposed: a task that outlives its grace may still look at it.
    private readonly CancellationTokenSource stop = new();

    /// <summary>What the progress bar says the cmdlet does.</summary>
    private protected virtual string Activity => "MessageStore";

    /// <summary>Whether an error of the engine ends the cmdlet, because there is nothing else it could do.</summary>
    private protected virtual bool EndsOnError => false;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }

    protected override void StopProcessing() => stop.Cancel();

    /// <summary>Runs a task of the engine and reports the error it ends with.</summary>
    /// <returns>Whether it ended well.</returns>
    private protected bool Execute(object? target, Func<Run, Task> work) => Execute(target, () => EndsOnError, work);

    private protected bool Execute(object? target, Func<bool> endsOnError, Func<Run, Task> work)
    {
        Exception? error = RunPump.Run(this, (output, token) => RunAsync(output, target, work, token), stop.Token);
        return Report(error, target, endsOnError());
    }

    /// <summary>Starts a run in the background and writes its job.</summary>
    private protected void StartJob(object? target, Func<Run, Task> work)
    {
        var job = new MessageStoreJob(MyInvocation.Line ?? "", "", target, (output, token) => RunAsync(output, target, work, token));
        JobRepository.Add(job);
        job.Start();
        WriteObject(job);
    }

    private bool Report(Exception? error, object? target, bool ends)
    {
        switch (error)
        {
            case null:
                return true;
            case OperationCanceledException when stop.IsCancellationRequested:
                throw new PipelineStoppedException();
            case MessageStoreException known when !ends:
                WriteError(ErrorRecords.From(known, target));
                return false;
            default:
                ThrowTerminatingError(ErrorRecords.FromAny(error, target));
                return false;
        }
    }

    /// <summary>The full paths behind <c>-Path</c> or <c>-LiteralPath</c>; a pattern that matches nothing is an error, and the others go on.</summary>
    private protected IEnumerable<string> Expand(IEnumerable<string> paths, bool literal)
    {
        foreach (string path in paths)
        {
            IEnumerable<string> found = [];
            try
            {
                found = FilePaths.Expand(SessionState.Path, path, literal);
            }
            catch (MessageStoreException error)
            {
                WriteError(ErrorRecords.From(error, path));
            }
            catch (Exception error) when (error is RuntimeException or ArgumentTransformationMetadataException or NotSupportedException)
            {
                WriteError(new ErrorRecord(error, ErrorIds.PathNotFound, ErrorCategory.InvalidArgument, path));
            }

            foreach (string full in found) yield return full;
        }
    }

    private async Task RunAsync(IRunOutput output, object? target, Func<Run, Task> work, CancellationToken token)
    {
        using var progress = new RunProgressReporter(output, Activity, target?.ToString() ?? "");
        await work(new Run(output, progress, token)).ConfigureAwait(false);
    }
}
