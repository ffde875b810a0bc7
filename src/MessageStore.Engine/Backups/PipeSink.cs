using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// A pipe or a device that takes a backup, such as a FIFO that <c>ssh</c> reads from. Opened by its first byte, which waits until somebody reads; whoever reads has all of the backup when
/// the pipe ends and the last bytes are its trailer.
/// </summary>
internal sealed class PipeSink(IStorage storage, string path) : BackupSink
{
    private readonly Lock gate = new();
    private IStorageFile? file;
    private volatile bool abandoned;
    private long length;

    public override bool IsStream => true;

    public override void Append(ReadOnlySpan<byte> bytes)
    {
        if (file is null)
        {
            IStorageFile opened = storage.Open(path, FileAccessKind.Pipe);
            lock (gate) file = opened;
        }
        if (abandoned) return;
        file.Write(bytes, length);
        length += bytes.Length;
    }

    /// <summary>Ends the pipe: the reader sees that nothing more comes.</summary>
    public override void Complete()
    {
        file!.Flush();
        Dispose();
    }

    /// <summary>Nothing can be taken back: the reader gets an end without a trailer.</summary>
    public override void Abandon()
    {
    }

    public override IDisposable? Free()
    {
        abandoned = true;
        try
        {
            return new PipeDrain(storage.Open(path, FileAccessKind.BothEnds));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // where a pipe cannot be opened so, opening and writing it do not wait without end either
        }
    }

    public override void Dispose()
    {
        lock (gate) file?.Dispose();
    }
}
