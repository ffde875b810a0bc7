using System.Management.Automation;

namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// Where a run writes what it finds: the pipeline of a cmdlet (<see cref="RunPump"/>) or the streams of a job
/// (<see cref="MessageStoreJob"/>). Members may be called from any thread; a call blocks while the reader is behind.
/// </summary>
internal interface IRunOutput
{
    void Write(object value);

    void Error(ErrorRecord error);

    void Warning(string text);

    void Progress(ProgressRecord record);
}
