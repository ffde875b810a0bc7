using MessageStore.Messages;

namespace MessageStore.Server.Intake;

/// <summary>
/// Takes the text of a message from what follows DATA, piece by piece: removes the dots that the sender put before its own (RFC 5321 §4.5.2), and finds the end, which is
/// CR LF dot CR LF and nothing else. A dot alone between other line ends is what SMTP smuggling is made of: somebody in front of us may have taken it for text, and another for
/// an end. It is kept as text, and <see cref="IsSmuggled"/> says that the message is to be refused.
/// </summary>
internal struct DotReader
{
    private State state;
    private int lineLength;

    private enum State
    {
        /// <summary>Behind CR LF, and at the very beginning.</summary>
        LineStart,
        Text,
        /// <summary>Behind a CR that may turn out to be alone.</summary>
        Cr,
        /// <summary>Behind a CR or LF that was alone.</summary>
        BareStart,
        /// <summary>Behind such and a dot.</summary>
        BareDot,
        /// <summary>Behind CR LF and a dot that is not handed on yet.</summary>
        Dot,
        /// <summary>Behind CR LF, a dot and a CR.</summary>
        DotCr,
    }

    /// <summary>Whether there was a dot alone between line ends of which one was not CR LF.</summary>
    public bool IsSmuggled { get; private set; }

    /// <summary>The longest line so far, in bytes with its end.</summary>
    public int LongestLine { get; private set; }

    /// <summary>Reads on.</summary>
    /// <param name="bytes">What came.</param>
    /// <param name="text">Where the text goes.</param>
    /// <param name="consumed">How much of it belongs to the message and its end.</param>
    /// <returns>Whether that was the end.</returns>
    public bool Read(ReadOnlySpan<byte> bytes, BodyWriter text, out int consumed)
    {
        int from = 0; // what is not written yet begins here
        for (int at = 0; at < bytes.Length; at++)
        {
            byte b = bytes[at];
            switch (state)
            {
                case State.Text:
                    int run = bytes[at..].IndexOfAny((byte)'\r', (byte)'\n');
                    if (run < 0) run = bytes.Length - at;
                    lineLength += run;
                    at += run;
                    if (at == bytes.Length) break;
                    b = bytes[at];
                    TakeEnd(b);
                    break;
                case State.Cr when b == '\n':
                    EndLine(State.LineStart);
                    break;
                case State.Cr or State.BareStart or State.LineStart when b is (byte)'\r' or (byte)'\n':
                    TakeEnd(b);
                    break;
                case State.LineStart when b == '.':
                    text.Write(bytes[from..at]);
                    from = at + 1;
                    state = State.Dot;
                    break;
                case State.Cr or State.BareStart when b == '.':
                    lineLength++;
                    state = State.BareDot;
                    break;
                case State.BareDot when b is (byte)'\r' or (byte)'\n':
                    IsSmuggled = true;
                    TakeEnd(b);
                    break;
                case State.Dot when b == '\r':
                    from = at + 1;
                    state = State.DotCr;
                    break;
                case State.Dot when b == '\n':
                    IsSmuggled = true;
                    TakeEnd(b);
                    break;
                case State.DotCr when b == '\n':
                    consumed = at + 1;
                    return true;
                case State.DotCr:
                    IsSmuggled = true;
                    state = State.BareStart;
                    at--; // seen again, in the state that it is in
                    break;
                default:
                    lineLength++;
                    state = State.Text;
                    break;
            }
        }
        if (from < bytes.Length) text.Write(bytes[from..]);
        consumed = bytes.Length;
        return false;
    }

    private void TakeEnd(byte b)
    {
        lineLength++;
        if (b == '\n') EndLine(State.BareStart);
        else state = State.Cr;
    }

    private void EndLine(State next)
    {
        if (state == State.Cr) lineLength++;
        LongestLine = Math.Max(LongestLine, lineLength);
        lineLength = 0;
        state = next;
    }
}
