using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MessageStore.Server.Intake;

/// <summary>
/// A connection straight to its socket. Until somebody waits without a thread for the first time it is one that blocks, for <see cref="IntakeCrew.HoldTime"/> at most; from then on it is one that does not.
/// </summary>
internal sealed partial class SocketLine(Socket socket) : Line
{
    /// <summary>What is thrown away of what a session did not want to hear any more.</summary>
    private const int MostUnheard = 1 << 20;

    private const int AtOnce = 0x40; // MSG_DONTWAIT on Linux
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int Interrupted = 4;

    private bool blocks = IntakeCrew.CanHold;

    public override bool HasMore => socket.Available > 0;

    public override int TrySend(ReadOnlySpan<byte> bytes)
    {
        if (!MayBlock()) return 0;
        nint sent;
        do sent = Send(socket.SafeHandle, in MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, AtOnce | NoSignal);
        while (sent < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        if (sent == bytes.Length) return bytes.Length;
        blocks = false; // it is full, or broken: whoever waits without a thread is told which
        return (int)Math.Max(0, sent);
    }

    public override int TryReceive(Span<byte> bytes)
    {
        if (!MayBlock()) return -1;
        int received = socket.Receive(bytes, SocketFlags.None, out SocketError error);
        return IsSlow(error) ? -1 : received;
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        blocks = false;
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken)
    {
        blocks = false;
        return socket.ReceiveAsync(bytes, SocketFlags.None, cancellationToken);
    }

    public override async Task GoneAsync(CancellationToken cancellationToken)
    {
        await ReceiveAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        if (HasMore) await base.GoneAsync(cancellationToken).ConfigureAwait(false);
    }

    public override Stream AsStream()
    {
        blocks = false;
        return new NetworkStream(socket, ownsSocket: false);
    }

    /// <summary>Cuts it off, whatever the session is doing.</summary>
    public void Cut() => socket.Dispose();

    public override ValueTask DisposeAsync()
    {
        try
        {
            // Where something is left the system resets the connection, and the other side may never see what it was told last.
            if (socket.Available > 0) Drain();
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It has gone.
        }
        socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Drain()
    {
        byte[] unheard = new byte[4096];
        for (int left = MostUnheard; left > 0 && socket.Available > 0;) left -= socket.Receive(unheard);
    }

    /// <summary>
    /// What fits goes out, and one learns how much that was. A send by <see cref="Socket"/> that may take only so long says that nothing has gone out when its time is up, whatever has; said again, a reply would come twice and
    /// be taken for that of the next command.
    /// </summary>
    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeSocketHandle socket, in byte bytes, nuint length, int flags);

    private bool MayBlock() => blocks && (blocks = IntakeCrew.MayHold);

    /// <summary>Whether the time was too short. Whoever takes his time once is waited for without a thread from then on.</summary>
    private bool IsSlow(SocketError error)
    {
        if (error == SocketError.Success) return false;
        blocks = false;
        return error is SocketError.TimedOut or SocketError.WouldBlock ? true : throw new SocketException((int)error);
    }
}
