using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Is the other end of a pipe for as long as it takes somebody who waits for one, or for room in it, to go on.</summary>
internal sealed class PipeDrain : IDisposable
{
    private const int PieceBytes = 64 << 10;

    private readonly IStorageFile pipe;
    private readonly Thread thread;
    private volatile bool ended;

    /// <param name="pipe">Open for reading and writing.</param>
    public PipeDrain(IStorageFile pipe)
    {
        this.pipe = pipe;
        thread = new Thread(Run) { IsBackground = true, Name = "end of " + pipe.Path };
        thread.Start();
    }

    public void Dispose()
    {
        ended = true;
        pipe.Write([0], 0); // wakes the reader below
        thread.Join();
        pipe.Dispose();
    }

    private void Run()
    {
        byte[] piece = new byte[PieceBytes];
        try
        {
            while (!ended && pipe.Read(piece, 0) > 0)
            {
                // Let go of.
            }
        }
        catch (IOException)
        {
            // Then nobody waits for us either.
        }
    }
}
