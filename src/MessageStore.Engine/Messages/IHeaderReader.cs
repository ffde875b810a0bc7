namespace MessageStore.Messages;

/// <summary>
/// Reads a message's summary. Behind an interface so that a kept library can take its place the day one restores where we build
/// (docs/messages.md).
/// </summary>
public interface IHeaderReader
{
    /// <summary>
    /// Reads the header fields at the start of a message. Never throws on content: what cannot be understood is left empty and
    /// <see cref="MessageSummary.IsPartial"/> is set.
    /// </summary>
    /// <param name="head">The first bytes of the message, up to <see cref="MessageBody.HeadLimit"/>; the header may be cut there.</param>
    MessageSummary Read(ReadOnlySpan<byte> head);
}
