namespace MessageStore.IO;

/// <summary>
/// Keeps what is written from front to back, and what nobody reads soon, from filling the system's cache. The disk writes while the file grows, so that the flush at the end finds little to do
/// and no other file's flush waits behind a heap of ours; and what it has written leaves the cache, where it would drive out the mail that users read. Each page that is let go is also one
/// less to be found anew for what comes next: on a virtual machine that gives idle memory back to its host, finding one costs more than writing it.
/// </summary>
/// <param name="file">The file, whose flush stays its writer's.</param>
/// <param name="start">Offset in bytes at which writing begins.</param>
internal sealed class DropBehind(IStorageFile file, long start = 0)
{
    /// <summary>Bytes after which the system is asked to begin writing out.</summary>
    private const long UsualStep = 8 << 20;

    /// <summary>The same beside users: their flushes wait behind what the disk was just given, so that is never much. With four times as much more than one commit in a hundred felt it, at a fifth of the rate.</summary>
    private const long QuietStep = 256 << 10;

    /// <summary>Bytes that the disk may be behind: what lies further back is written by then, as a rule.</summary>
    private const long Lag = 32 << 20;

    private readonly long start = start;
    private long begun = start;

    /// <summary>Whether all stays in the cache, because it is read again at once.</summary>
    public bool Keeps { get; init; }

    /// <summary>Whether users are there, whose flushes the disk has to do in between.</summary>
    public bool IsQuiet { get; init; }

    private long Step => IsQuiet ? QuietStep : UsualStep;

    /// <summary>Everything up to <paramref name="end"/> is written.</summary>
    public void Written(long end)
    {
        if (end - begun < Step) return;
        file.BeginFlush(begun, end - begun);
        if (!Keeps && begun - Lag > start) file.DropCache(start, begun - Lag - start); // what was not written out when it was last asked goes now
        begun = end;
    }

    /// <summary>Everything up to <paramref name="end"/> is durable.</summary>
    public void Flushed(long end)
    {
        if (!Keeps) file.DropCache(start, end - start);
    }
}
