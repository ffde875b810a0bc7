using System.Diagnostics.CodeAnalysis;

namespace MessageStore.Messages;

/// <summary>
/// What a source of mail gives next: a message, or the error that stands in the place of one (or of several, where a file ends too
/// early). After an error the source goes on with what comes next.
/// </summary>
public readonly record struct SourceItem
{
    public SourceItem(SourceMessage message) => Message = message;

    public SourceItem(MessageStoreException error) => Error = error;

    /// <summary>The message; whoever takes it disposes its body.</summary>
    public SourceMessage? Message { get; }

    /// <summary>What went wrong; names the file and, in an mbox, the message.</summary>
    public MessageStoreException? Error { get; }

    [MemberNotNullWhen(true, nameof(Message))]
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsMessage => Message is not null;
}
