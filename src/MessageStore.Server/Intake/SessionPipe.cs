using System.Buffers;
using System.IO.Pipelines;
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
/// The line to the other side. What is written goes out before anything is waited for, and no earlier, so that the answers to commands that came together go together (RFC 2920).
/// </summary>
internal sealed class SessionPipe(PipeReader input, PipeWriter output, TimeProvider clock) : IDisposable
{
    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Ends the wait that is under way. One for all waits of a session: there are seven for a message, and each is over long before its time.</summary>
    private CancellationTokenSource patience = new(Timeout.InfiniteTimeSpan, clock);

    /// <summary>Whether something is there that was sent before it was asked for.</summary>
    public bool HasMore
    {
        get
        {
            if (!input.TryRead(out ReadResult read)) return false;
            bool more = !read.Buffer.IsEmpty;
            input.AdvanceTo(read.Buffer.Start);
            return more;
        }
    }

    public void Dispose() => patience.Dispose();

    public void Write(string text) => Encoding.UTF8.GetBytes(text, output);

    public async ValueTask FlushAsync(CancellationToken stop) => await output.FlushAsync(stop).ConfigureAwait(false);

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
            // For the whole line: whoever sends a byte now and then would never be idle.
            TimeSpan left = wait - clock.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero) return (Arrival.Idle, "");
            (Arrival arrival, ReadOnlySequence<byte> buffer, bool ended) = await ReadAsync(left, stop).ConfigureAwait(false);
            if (arrival != Arrival.Here) return (arrival, "");
            if (TryTakeLine(ref buffer, out ReadOnlySequence<byte> line))
            {
                (Arrival, string) result = skipping || line.Length + LineEnd.Length > longest ? (Arrival.TooLong, "") : Decode(line);
                input.AdvanceTo(buffer.Start);
                return result;
            }
            skipping |= buffer.Length > longest;
            // Of a line that is too long only what may be the beginning of its end is kept.
            if (skipping) input.AdvanceTo(buffer.GetPosition(Math.Max(0, buffer.Length - 1)), buffer.End);
            else input.AdvanceTo(buffer.Start, buffer.End);
            if (ended) return (Arrival.Gone, "");
        }
    }

    /// <summary>Takes the text that follows DATA, up to its end.</summary>
    /// <param name="body">Where it goes.</param>
    /// <param name="wait">How long nothing may come.</param>
    /// <param name="pace">How fast it must come.</param>
    /// <param name="closed">Cancelled when the connection has closed.</param>
    public async ValueTask<(Arrival Arrival, DotReader Reader)> ReadTextAsync(BodyWriter body, TimeSpan wait, MessagePace pace, CancellationToken closed)
    {
        var dots = new DotReader();
        while (true)
        {
            (Arrival arrival, ReadOnlySequence<byte> buffer, bool ended) = await ReadAsync(pace.Within(wait), closed).ConfigureAwait(false);
            if (arrival != Arrival.Here) return (arrival, dots);
            long taken = 0;
            bool complete = false;
            foreach (ReadOnlyMemory<byte> piece in buffer)
            {
                complete = dots.Read(piece.Span, body, out int consumed);
                taken += consumed;
                if (complete) break;
            }
            input.AdvanceTo(buffer.GetPosition(taken));
            if (complete) return (Arrival.Here, dots);
            if (ended) return (Arrival.Gone, dots);
            if (!pace.Take(taken)) return (Arrival.TooSlow, dots);
        }
    }

    /// <summary>Takes a chunk of known length (RFC 3030).</summary>
    public async ValueTask<Arrival> ReadChunkAsync(BodyWriter? body, long length, TimeSpan wait, MessagePace pace, CancellationToken closed)
    {
        while (length > 0)
        {
            (Arrival arrival, ReadOnlySequence<byte> buffer, bool ended) = await ReadAsync(pace.Within(wait), closed).ConfigureAwait(false);
            if (arrival != Arrival.Here) return arrival;
            ReadOnlySequence<byte> part = buffer.Slice(0, Math.Min(length, buffer.Length));
            foreach (ReadOnlyMemory<byte> piece in part) body?.Write(piece.Span);
            length -= part.Length;
            input.AdvanceTo(part.End);
            if (ended && length > 0) return Arrival.Gone;
            if (length > 0 && !pace.Take(part.Length)) return Arrival.TooSlow;
        }
        return Arrival.Here;
    }

    private async ValueTask<(Arrival Arrival, ReadOnlySequence<byte> Buffer, bool Ended)> ReadAsync(TimeSpan wait, CancellationToken stop)
    {
        if (!input.TryRead(out ReadResult read))
        {
            if (wait <= TimeSpan.Zero) return (Arrival.Idle, default, false);
            if (patience.IsCancellationRequested)
            {
                // It ended the wait before, or came too late to: that one was for something else, and a session may go on, if only to say why it ends.
                patience.Dispose();
                patience = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
            }
            patience.CancelAfter(wait);
            try
            {
                using CancellationTokenRegistration stopping = stop.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), patience);
                await output.FlushAsync(patience.Token).ConfigureAwait(false);
                read = await input.ReadAsync(patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return (stop.IsCancellationRequested ? Arrival.Stopping : Arrival.Idle, default, false);
            }
            patience.CancelAfter(Timeout.InfiniteTimeSpan);
        }
        if (!read.Buffer.IsEmpty) return (Arrival.Here, read.Buffer, read.IsCompleted);
        input.AdvanceTo(read.Buffer.End);
        return (Arrival.Gone, default, true);
    }

    /// <summary>Only CR LF ends a line: what follows an LF alone is no command of its own.</summary>
    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> line)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadTo(out line, LineEnd)) return false;
        buffer = buffer.Slice(reader.Position);
        return true;
    }

    private static (Arrival, string) Decode(in ReadOnlySequence<byte> line)
    {
        try
        {
            string text = Strict.GetString(line);
            return text.AsSpan().IndexOfAny('\r', '\n', '\0') < 0 ? (Arrival.Here, text) : (Arrival.Bad, "");
        }
        catch (DecoderFallbackException)
        {
            return (Arrival.Bad, "");
        }
    }
}
