namespace MessageStore.Tests.Facade;

/// <summary>Does something, once, at the moment when a backup has switched to the patch file and is about to copy images, or another run is in its midst. No luck is needed to hit that moment.</summary>
internal sealed class DuringBackup(Func<Task> work, string activity = "Backing up") : IProgress<RunProgress>
{
    private int done;

    public bool HasRun => done != 0;

    public void Report(RunProgress value)
    {
        if (value.Activity == activity && Interlocked.Exchange(ref done, 1) == 0) work().GetAwaiter().GetResult();
    }
}
