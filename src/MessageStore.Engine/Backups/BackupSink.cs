namespace MessageStore.Backups;

/// <summary>Where the bytes of a backup go, from front to back. Used by one thread, but for <see cref="Free"/>.</summary>
internal abstract class BackupSink : IDisposable
{
    /// <summary>Whether it is a pipe or a device: what has gone into it nobody can look at any more.</summary>
    public abstract bool IsStream { get; }

    /// <exception cref="IOException">The device failed.</exception>
    public abstract void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Makes all of it durable, as far as this can be done here, and gives it its name.</summary>
    /// <exception cref="IOException">The device failed.</exception>
    public abstract void Complete();

    /// <summary>Takes away what did not become a backup.</summary>
    public abstract void Abandon();

    /// <summary>Lets a thread go on that waits for somebody at the other end. Disposed when it has ended.</summary>
    public virtual IDisposable? Free() => null;

    public abstract void Dispose();
}
