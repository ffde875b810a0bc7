using System.Buffers;
using System.Text;
using MessageStore.Messages;

namespace MessageStore.Server.Intake;

/// <summary>How a wait for the other side ended.</summary>
internal enum Arrival
{
    /// <summary>What was waited for is there.</summary>
    Here,
    /// <summary>The other side has gone, maybe in the middle of a line.</summary>
    Gone,
    /// <summary>Nothing came for too long.</summary>
    Idle,
    /// <summary>It comes, but slower than it may.</summary>
    TooSlow,
    /// <summary>The server is to stop.</summary>
    Stopping,
    /// <summary>A line was longer than allowed; it was passed over.</summary>
    TooLong,
    /// <summary>A line held a CR or LF alone, or bytes that are no UTF-8.</summary>
    Bad,
}

/// <summary>
/// What is said on a line. What is written goes out before anything is waited for, and no earlier, so that the answers to commands that came together go together (RFC 2920).
/// </summary>
internal sealed class SessionPipe(Line line, TimeProvider clock) : IDisposable
{
    /// <summary>What is received at once: more than the longest command.</summary>
    private const int InputBytes = 16 << 10;

    private const int OutputBytes = 512;

    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Ends the wait that is under way. One for all waits of a session: there are seven for a message, and each is over long before its time.</summary>
    private CancellationTokenSource? patience;

    private byte[] input = [];
    private int from;
    private int to;
    private byte[] output = [];
    private int written;

    /// <summary>Whether something is there that was sent before it was asked for.</summary>
    public bool HasMore => from < to || line.HasMore;

    public void Dispose()
    {
        patience?.Dispose();
        LetGo();
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (output.Length - written < bytes.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(OutputBytes, (written + bytes.Length) * 2));
            output.AsSpan(0, written).CopyTo(larger);
            if (output.Length > 0) ArrayPool<byte>.Shared.Return(output);
            output = larger;
        }
        bytes.CopyTo(output.AsSpan(written));
        written += bytes.Length;
    }

    public void Write(string text) => Write(Encoding.UTF8.GetBytes(text));

    /// <summary>Sends what was written.</summary>
    public async ValueTask FlushAsync(CancellationToken stop)
    {
        if (TryFlush()) return;
        stop.ThrowIfCancellationRequested();
        int count = written;
        written = 0; // once it has begun to go out it is not said again, also where it is broken off
        await line.SendAsync(output.AsMemory(0, count), stop).ConfigureAwait(false);
    }

    /// <summary>Sends what was written last, unless that takes too long.</summary>
    public async ValueTask EndAsync(TimeSpan wait, CancellationToken cut)
    {
        if (TryFlush()) return;
        using var patient = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        using CancellationTokenRegistration cutting = cut.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), patient);
        ValueTask sending = FlushAsync(patient.Token);
        if (!sending.IsCompleted) patient.CancelAfter(wait);
        await sending.ConfigureAwait(false);
    }

    /// <summary>Reads a line, without its CR LF.</summary>
    /// <param name="longest">Most bytes, with CR LF.</param>
    /// <param name="wait">How long the line may take.</param>
    /// <param name="stop">Cancelled when the server is to stop.</param>
    public async ValueTask<(Arrival Arrival, string Line)> ReadLineAsync(int longest, TimeSpan wait, CancellationToken stop)
    {
        bool skipping = false;
        long begun = clock.GetTimestamp();
        while (true)
        {
            int end = input.AsSpan(from, to - from).IndexOf(LineEnd);
            if (end >= 0)
            {
                (Arrival, string) result = skipping || end + LineEnd.Length > longest ? (Arrival.TooLong, "") : Decode(input.AsSpan(from, end));
                from += end + LineEnd.Length;
                return result;
            }
            skipping |= to - from > longest;
            // Of a line that is too long only what may be the beginning of its end is kept.
            if (skipping) from = to - 1;
            // For the whole line: whoever sends a byte now and then would never be idle.
            Arrival arrival = await ReceiveAsync(wait - clock.GetElapsedTime(begun), stop).ConfigureAwait(false);
            if (arrival != Arrival.Here) return (arrival, "");
        }
    }

    /// <summary>Takes the text that follows DATA, up to its end.</summary>
    /// <param name="body">Where it goes.</param>
    /// <param name="wait">How long nothing may come.</param>
    /// <param name="pace">How fast it must come.</param>
    /// <param name="closed">Cancelled when the connection is cut.</param>
    public async ValueTask<(Arrival Arrival, DotReader Reader)> ReadTextAsync(BodyWriter body, TimeSpan wait, MessagePace pace, CancellationToken closed)
    {
        var dots = new DotReader();
        while (true)
        {
            if (from == to)
            {
                Arrival arrival = await ReceiveAsync(pace.Within(wait), closed).ConfigureAwait(false);
                if (arrival != Arrival.Here) return (arrival, dots);
            }
            bool complete = dots.Read(input.AsSpan(from, to - from), body, out int consumed);
            from += consumed;
            if (complete) return (Arrival.Here, dots);
            if (!pace.Take(consumed)) return (Arrival.TooSlow, dots);
        }
    }

    /// <summary>Takes a chunk of known length (RFC 3030).</summary>
    public async ValueTask<Arrival> ReadChunkAsync(BodyWriter? body, long length, TimeSpan wait, MessagePace pace, CancellationToken closed)
    {
        while (length > 0)
        {
            if (from == to)
            {
                Arrival arrival = await ReceiveAsync(pace.Within(wait), closed).ConfigureAwait(false);
                if (arrival != Arrival.Here) return arrival;
            }
            int count = (int)Math.Min(length, to - from);
            body?.Write(input.AsSpan(from, count));
            from += count;
            length -= count;
            if (length > 0 && !pace.Take(count)) return Arrival.TooSlow;
        }
        return Arrival.Here;
    }

    /// <summary>Receives more than is there: on the thread that asks where that may wait for a short while, without one where not.</summary>
    private ValueTask<Arrival> ReceiveAsync(TimeSpan wait, CancellationToken stop)
    {
        if (wait <= TimeSpan.Zero) return ValueTask.FromResult(Arrival.Idle);
        if (!stop.IsCancellationRequested && TryFlush())
        {
            MakeRoom();
            int count = line.TryReceive(input.AsSpan(to));
            if (count >= 0) return ValueTask.FromResult(Take(count));
        }
        return ReceiveLaterAsync(wait, stop);
    }

    /// <summary>Sends what was written, as far as that goes at once.</summary>
    /// <returns>Whether all of it has gone out.</returns>
    private bool TryFlush()
    {
        if (written == 0) return true;
        int sent = line.TrySend(output.AsSpan(0, written));
        if (sent > 0 && sent < written) output.AsSpan(sent, written - sent).CopyTo(output);
        written -= sent;
        return written == 0;
    }

    private async ValueTask<Arrival> ReceiveLaterAsync(TimeSpan wait, CancellationToken stop)
    {
        if (patience is null || patience.IsCancellationRequested)
        {
            // It ended the wait before, or came too late to: that one was for something else, and a session may go on, if only to say why it ends.
            patience?.Dispose();
            patience = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        }
        patience.CancelAfter(wait);
        int count;
        try
        {
            using CancellationTokenRegistration stopping = stop.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), patience);
            await FlushAsync(patience.Token).ConfigureAwait(false);
            if (from == to)
            {
                LetGo();
                await line.ReceiveAsync(Memory<byte>.Empty, patience.Token).ConfigureAwait(false);
            }
            MakeRoom();
            count = await line.ReceiveAsync(input.AsMemory(to), patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return stop.IsCancellationRequested ? Arrival.Stopping : Arrival.Idle;
        }
        patience.CancelAfter(Timeout.InfiniteTimeSpan);
        return Take(count);
    }

    private Arrival Take(int count)
    {
        to += count;
        return count > 0 ? Arrival.Here : Arrival.Gone;
    }

    private void MakeRoom()
    {
        if (input.Length == 0) input = ArrayPool<byte>.Shared.Rent(InputBytes);
        if (from == 0) return;
        input.AsSpan(from, to - from).CopyTo(input);
        (from, to) = (0, to - from);
    }

    /// <summary>Gives back what an idle session does not need.</summary>
    private void LetGo()
    {
        if (input.Length > 0) ArrayPool<byte>.Shared.Return(input);
        if (output.Length > 0) ArrayPool<byte>.Shared.Return(output);
        (input, output, from, to, written) = ([], [], 0, 0, 0);
    }

    private static (Arrival, string) Decode(ReadOnlySpan<byte> line)
    {
        if (line.ContainsAny((byte)'\r', (byte)'\n', (byte)0)) return (Arrival.Bad, "");
        try
        {
            return (Arrival.Here, Strict.GetString(line));
        }
        catch (DecoderFallbackException)
        {
            return (Arrival.Bad, "");
        }
    }
}
