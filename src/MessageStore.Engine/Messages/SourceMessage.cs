namespace MessageStore.Messages;

/// <summary>One message found in a file of mail: what the file itself knows of it. The taker disposes the body.</summary>
/// <param name="Body">The raw bytes, never altered (mbox quoting undone).</param>
/// <param name="ReceivedDate">From the mbox <c>From </c> line or the Maildir name; <see langword="null"/> where the file does not say.</param>
/// <param name="Flags">From a Maildir name's info part; <see cref="MessageFlags.None"/> elsewhere.</param>
/// <param name="Origin">Where it came from, for people: a path, with <c>#n</c> for the n-th message of an mbox, counted from 1.</param>
/// <param name="Folder">
/// The folder it lay in, from a Maildir++ subfolder (<c>.Sent.2020</c> is <c>Sent/2020</c>); <see langword="null"/> where the source has no folders.
/// </param>
public sealed record SourceMessage(MessageBody Body, DateTimeOffset? ReceivedDate, MessageFlags Flags, string Origin, string? Folder = null);
