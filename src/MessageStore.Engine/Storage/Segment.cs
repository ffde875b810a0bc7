using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>A segment file that is open, with its readers counted: the file outlives its place in the store until the last one is done.</summary>
internal sealed class Segment(int number, IStorageFile file, long length) : IDisposable
{
    private int references = 1;
    private bool dirty;

    public int Number => number;

    public IStorageFile File => file;

    /// <summary>Bytes that images and the file header take. Written by the committer alone.</summary>
    public long Length { get; set; } = length;

    /// <summary>Bytes of images that the index points to. Guarded by the index's lock.</summary>
    public long LiveBytes { get; set; }

    /// <summary>Whether something was written since the last flush.</summary>
    public bool IsDirty
    {
        get => Volatile.Read(ref dirty);
        set => Volatile.Write(ref dirty, value);
    }

    /// <summary>Whether a reader or a backup has it besides the store itself.</summary>
    public bool IsHeld => Volatile.Read(ref references) > 1;

    /// <summary>Whether the last one who had it is done.</summary>
    public bool IsClosed => Volatile.Read(ref references) <= 0;

    public bool TryAcquire()
    {
        int seen = Volatile.Read(ref references);
        while (seen > 0)
        {
            int found = Interlocked.CompareExchange(ref references, seen + 1, seen);
            if (found == seen) return true;
            seen = found;
        }
        return false;
    }

    /// <summary>Gives back one reference.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref references) == 0) file.Dispose();
    }
}
