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

    private readonly Queue<Action> waiting = [];
    private readonly Thread thread;
    private bool ending;

    public QuietThread(string name)
    {
        thread = new Thread(Run) { IsBackground = true, Name = name };
        thread.Start();
    }

    public Arrival GetAwaiter() => new(this);

    /// <summary>Ends the thread when what waits is done.</summary>
    public void Dispose()
    {
        lock (waiting)
        {
            ending = true;
            Monitor.Pulse(waiting);
        }
        if (Thread.CurrentThread != thread) thread.Join(); // whoever went on here ends here
    }

    private void Run()
    {
        GiveWay();
        while (Next() is { } goOn) goOn();
    }

    /// <summary>Waits without looking again and again first, as the collections made for this do: what is waited for is a disk, and the processor is somebody else's meanwhile.</summary>
    /// <returns><see langword="null"/> when nothing comes any more.</returns>
    private Action? Next()
    {
        lock (waiting)
        {
            while (waiting.Count == 0 && !ending) Monitor.Wait(waiting);
            return waiting.TryDequeue(out Action? goOn) ? goOn : null;
        }
    }

    /// <exception cref="ObjectDisposedException">The thread has been told to end.</exception>
    private void Add(Action goOn)
    {
        lock (waiting)
        {
            ObjectDisposedException.ThrowIf(ending, this);
            waiting.Enqueue(goOn);
            Monitor.Pulse(waiting);
        }
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

        public void OnCompleted(Action continuation) => place.Add(continuation);

        public void UnsafeOnCompleted(Action continuation) => place.Add(continuation);

        public void GetResult()
        {
        }
    }
}
