namespace MessageStore.Server.Intake;

/// <summary>The connection to the other side, as a session uses it: one at a time sends, one at a time receives.</summary>
internal abstract class Line : IAsyncDisposable
{
    /// <summary>Whether something has come that was not received yet, as far as can be said without receiving it.</summary>
    public virtual bool HasMore => false;

    /// <summary>Sends what goes out at once.</summary>
    /// <returns>How many bytes have gone out; the rest is <see cref="SendAsync"/>'s.</returns>
    public virtual int TrySend(ReadOnlySpan<byte> bytes) => 0;

    /// <summary>Receives what comes within the short while for which the thread that asks may be held up (<see cref="IntakeCrew"/>).</summary>
    /// <returns>How many bytes, 0 at the end; -1 where it has to be waited for.</returns>
    public virtual int TryReceive(Span<byte> bytes) => -1;

    /// <summary>Sends all of it.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Receives what comes. Without room for a byte it returns once there is one, or never will be.</summary>
    /// <returns>How many bytes; 0 at the end.</returns>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Waits until the other side has gone, while nobody receives. What it said last may hide that.</summary>
    public virtual Task GoneAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>The same as a stream, for TLS to lie on.</summary>
    public abstract Stream AsStream();

    public abstract ValueTask DisposeAsync();
}
