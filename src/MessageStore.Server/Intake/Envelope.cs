using MessageStore.Messages;

namespace MessageStore.Server.Intake;

/// <summary>What has been said of the message that is to come: from MAIL to the end of its data.</summary>
internal sealed class Envelope(string sender, bool utf8) : IDisposable
{
    /// <summary>The address mail goes back to; empty for none.</summary>
    public string Sender => sender;

    /// <summary>Whether addresses may be in any script (RFC 6531).</summary>
    public bool IsUtf8 => utf8;

    /// <summary>The recipients that were not refused, in their order.</summary>
    public List<IReadOnlyList<Destination>> Recipients { get; } = [];

    /// <summary>What came in chunks so far; <see langword="null"/> before the first.</summary>
    public BodyWriter? Chunks { get; private set; }

    /// <summary>How fast the chunks come; <see langword="null"/> before the first.</summary>
    public MessagePace? Pace { get; private set; }

    private SemaphoreSlim? place;

    /// <summary>Begins a message in chunks, which keeps its place among those that come in until the last of them.</summary>
    public void Begin(BodyWriter chunks, MessagePace pace, SemaphoreSlim held) => (Chunks, Pace, place) = (chunks, pace, held);

    public void Dispose()
    {
        Chunks?.Dispose();
        place?.Release();
        (Chunks, Pace, place) = (null, null, null);
    }
}
