using System.Globalization;
using System.Text;
using MessageStore.Messages;
using MessageStore.Server.Telemetry;

namespace MessageStore.Server.Intake;

/// <summary>Puts messages into mailboxes, and says of each whether it is durable.</summary>
internal sealed partial class IntakeStore(IMessageStore store, bool createMailboxes, bool journal, TimeProvider clock, Operations operations, ILogger<IntakeStore> log)
{
    /// <summary>Stores a copy for each destination, all at once so that they share a flush.</summary>
    /// <returns>The reply for each recipient, in their order.</returns>
    public async Task<IReadOnlyList<Reply>> StoreAsync(Envelope envelope, MessageBody body)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (envelope.Recipients is [[Destination only]]) return [await StoreAsync(only, body, now).ConfigureAwait(false)];
        var copies = new Dictionary<Destination, Task<Reply>>();
        foreach (Destination destination in envelope.Recipients.SelectMany(r => r))
            if (!copies.ContainsKey(destination)) copies.Add(destination, StoreAsync(destination, body, now));
        await Task.WhenAll(copies.Values).ConfigureAwait(false);
        var replies = new List<Reply>();
        foreach (IReadOnlyList<Destination> recipient in envelope.Recipients)
        {
            Reply worst = Reply.Stored;
            foreach (Destination destination in recipient) if (await copies[destination].ConfigureAwait(false) is { IsRefusal: true } refusal) worst = refusal;
            replies.Add(worst);
        }
        return replies;
    }

    /// <summary>The fields that whoever receives a message puts in front of it (RFC 5321 §4.4). Nobody else's name is in them.</summary>
    public byte[] Trace(Envelope envelope, string hello, string client, string host, string with)
    {
        string now = clock.GetUtcNow().ToString("ddd, dd MMM yyyy HH:mm:ss +0000", CultureInfo.InvariantCulture);
        return Encoding.UTF8.GetBytes($"Return-Path: <{envelope.Sender}>\r\nReceived: from {hello} ([{client}])\r\n\tby {host} with {with}; {now}\r\n");
    }

    private async Task<Reply> StoreAsync(Destination destination, MessageBody body, DateTimeOffset now)
    {
        using Operations.Operation operation = operations.Begin(Operations.Append);
        try
        {
            // Not cancelled by anything: half of a message is never there, and whoever sent it hears how it went if he is still there.
            await store.AppendAsync(new MessageToAppend
            {
                Mailbox = destination.Mailbox,
                Folder = destination.Folder,
                Body = body,
                ReceivedDate = now,
                CreateMailbox = createMailboxes,
                Journal = journal,
            }, CancellationToken.None).ConfigureAwait(false);
            return Reply.Stored;
        }
        catch (MessageStoreException error)
        {
            operation.Failed(error.ErrorId);
            if (error.ErrorId is not (ErrorIds.MailboxNotFound or ErrorIds.InvalidName)) NotStored(error.ErrorId, error.Message);
            return error.ErrorId switch
            {
                ErrorIds.MailboxNotFound => Reply.NoSuchMailbox,
                ErrorIds.InvalidName => Reply.BadName,
                ErrorIds.MessageTooLarge => Reply.TooLarge,
                ErrorIds.DiskFull => Reply.DiskFull,
                _ => Reply.TryLater,
            };
        }
        catch (Exception error)
        {
            operation.Failed(error.GetType().Name);
            Failed(error);
            return Reply.TryLater; // the sender keeps it, and so nothing is lost
        }
    }

    [LoggerMessage(LogLevel.Error, "A message was not stored: {errorId}: {message}")]
    private partial void NotStored(string errorId, string message);

    [LoggerMessage(LogLevel.Error, "A message was not stored.")]
    private partial void Failed(Exception error);
}
