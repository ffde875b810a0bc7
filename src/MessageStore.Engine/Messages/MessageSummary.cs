namespace MessageStore.Messages;

/// <summary>
/// What a list of messages shows, read from the header without opening the body. Text is decoded (RFC 2047) and unfolded;
/// a field that is missing is empty. Lengths are limited by the reader, never by the message.
/// </summary>
/// <param name="From">The <c>From</c> field, decoded.</param>
/// <param name="To">The <c>To</c> field, decoded.</param>
/// <param name="Subject">The <c>Subject</c> field, decoded.</param>
/// <param name="MessageId">The <c>Message-ID</c> field as written.</param>
/// <param name="Date">The <c>Date</c> field; <see langword="null"/> where missing or beyond understanding.</param>
/// <param name="ReceivedDate">The date of the topmost <c>Received</c> field that has one: when the last server took the message.</param>
/// <param name="IsPartial">Whether something in the header was beyond understanding, so that fields may be missing or cut.</param>
public sealed record MessageSummary(
    string From, string To, string Subject, string MessageId, DateTimeOffset? Date, DateTimeOffset? ReceivedDate, bool IsPartial)
{
    public static MessageSummary Empty { get; } = new("", "", "", "", null, null, true);
}
