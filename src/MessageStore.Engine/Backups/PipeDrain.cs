using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Is the other end of a pipe for as long as it takes somebody who waits for one, or for room in it, to go on.</summary>
internal sealed class PipeDrain : IDisposable
{
    private const int PieceBytes = 64 << 10;

    /// <summary>Between two looks into an empty pipe.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(5);

    private readonly IStorageFile pipe;
    private readonly Thread thread;
    private readonly ManualResetEventSlim ended = new();

    /// <param name="pipe">Both ends of it, where reading waits for nobody.</param>
    public PipeDrain(IStorageFile pipe)
    {
        this.pipe = pipe;
        thread = new Thread(Run) { IsBackground = true, Name = "end of " + pipe.Path };
        thread.Start();
    }

    public void Dispose()
    {
        ended.Set();
        thread.Join();
        ended.Dispose();
        pipe.Dispose();
    }

    private void Run()
    {
        byte[] piece = new byte[PieceBytes];
        try
        {
            do
            {
                while (!ended.IsSet && pipe.Read(piece, 0) > 0)
                {
                    // Let go of.
                }
            }
            while (!ended.Wait(Rest));
        }
        catch (IOException)
        {
            // Then nobody waits for us either.
        }
    }
}
