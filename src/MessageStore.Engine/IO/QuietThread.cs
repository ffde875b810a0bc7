using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MessageStore.IO;

/// <summary>
/// A thread of its own for work that takes long and is not urgent: whoever awaits it goes on there. It gives way to every thread of usual priority, and keeps none of the pool's threads from
/// those who answer users.
/// </summary>
internal sealed partial class QuietThread : IDisposable
{
    /// <summary>Nice value on Unix, where it is each thread's own: a fifteenth of the processor time of others.</summary>
    private const int Nice = 12;

    private const int OfThisThread = 0;

    private readonly BlockingCollection<Action> waiting = [];
    private readonly Thread thread;

    public QuietThread(string name)
    {
        thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

    public Arrival GetAwaiter() => new(this);

    /// <summary>Ends the thread when what waits is done.</summary>
    public void Dispose()
    {
        waiting.CompleteAdding();
        if (Thread.CurrentThread == thread) return; // whoever went on here ends here
        thread.Join();
        waiting.Dispose();
    }

    private void Run()
    {
        GiveWay();
        foreach (Action goOn in waiting.GetConsumingEnumerable()) goOn();
    }

    /// <summary>Makes the calling thread give way to every thread of usual priority from now on. Not for one that takes locks for which users wait.</summary>
    public static void GiveWay()
    {
        // Where this is refused the work is done all the same, at usual priority.
        if (OperatingSystem.IsWindows()) Thread.CurrentThread.Priority = ThreadPriority.Lowest;
        else _ = SetPriority(OfThisThread, OfThisThread, Nice);
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);

    /// <summary>Goes on at the thread; does nothing where one is there already.</summary>
    internal readonly struct Arrival(QuietThread place) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => Thread.CurrentThread == place.thread;

        public void OnCompleted(Action continuation) => place.waiting.Add(continuation);

        public void UnsafeOnCompleted(Action continuation) => place.waiting.Add(continuation);

        public void GetResult()
        {
        }
    }
}
