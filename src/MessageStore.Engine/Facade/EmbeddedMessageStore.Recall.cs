using System.Runtime.CompilerServices;
using System.Threading.Channels;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>Recalls under way at the same time: they share flushes of the log.</summary>
    private const int RecallsAtATime = 8;

    public async IAsyncEnumerable<MessageRecall> RecallAsync(MessageQuery query, IProgress<RunProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (Guid id in query.Ids)
            if (!Mail.TryFind(id, out _, out _)) yield return Failed(id, NoMessage(id));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var done = Channel.CreateBounded<MessageRecall>(RecallsAtATime * 2);
        Task work = RecallAllAsync(query, done.Writer, stop.Token);
        long count = 0;
        try
        {
            await foreach (MessageRecall one in done.Reader.ReadAllAsync(stop.Token).ConfigureAwait(false))
            {
                progress?.Report(new RunProgress("Recalling", one.Message?.Mailbox ?? "", ++count, 0));
                yield return one;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await work.ConfigureAwait(false);
        }
    }

    private async Task RecallAllAsync(MessageQuery query, ChannelWriter<MessageRecall> done, CancellationToken cancellationToken)
    {
        try
        {
            var limit = new ParallelOptions { MaxDegreeOfParallelism = RecallsAtATime, CancellationToken = cancellationToken };
            var lost = new LostFiles();
            // A message asked for by its Id that is in the store already is as it should be; of all others only archived ones are meant.
            MessageQuery wanted = query.Ids.Count > 0 ? query : query with { IsArchived = true };
            var firsts = new Dictionary<string, Guid>(StringComparer.Ordinal);
            await Parallel.ForEachAsync(ListAsync(wanted, cancellationToken), limit, async (message, token) =>
            {
                (MessageRecall recall, MessageStoreException? error) = await RecallAsync(message.Id, token).ConfigureAwait(false);
                lock (lost)
                {
                    if (error is not null && lost.Takes(error))
                    {
                        firsts.TryAdd(error.Target!.ToString()!, message.Id);
                        return;
                    }
                }
                await done.WriteAsync(recall, token).ConfigureAwait(false);
            }).ConfigureAwait(false);
            foreach ((long messages, MessageStoreException error) in lost.Errors())
                await done.WriteAsync(Failed(firsts[error.Target!.ToString()!], error) with { Messages = messages }, cancellationToken).ConfigureAwait(false);
            done.Complete();
        }
        catch (Exception error)
        {
            done.Complete(error is IOException or UnauthorizedAccessException ? StorageErrors.Wrap(error, "bringing messages back", Path) : error); // reaches the reader
        }
    }

    /// <summary>
    /// Reads and verifies the record, and commits the message to the store. The key stays: the record is whole, and when the message is archived again it is used, so that the
    /// file never holds two of one Id.
    /// </summary>
    private async Task<(MessageRecall Recall, MessageStoreException? Error)> RecallAsync(Guid id, CancellationToken cancellationToken)
    {
        try
        {
            for (int attempt = 0; attempt < LookAgain; attempt++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry)) throw NoMessage(id);
                if (!entry.IsArchived) return (new MessageRecall { Id = id, Message = Describe(id) }, null);
                CheckAccess(group, entry);
                if (group.ReadSummary(entry) is not { } found || await OpenArchivedAsync(group, entry, cancellationToken).ConfigureAwait(false) is not { } stream) continue;
                await using (stream.ConfigureAwait(false))
                {
                    using MessageBody body = await MessageBody.FromStreamAsync(stream, $"Message {id}", cancellationToken).ConfigureAwait(false);
                    if (!IsBodyOf(body, found.Image))
                        throw new MessageStoreException(ErrorIds.ArchiveDamaged, ErrorKind.Damaged, $"The record of message {id} holds another message than was stored.", id);
                    await group.RecallAsync(found.Image, found.Summary, body, cancellationToken).ConfigureAwait(false);
                }
                return (new MessageRecall { Id = id, Message = Describe(id) }, null);
            }
            throw KeepsMoving(id);
        }
        catch (MessageStoreException error)
        {
            return (Failed(id, error), error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            MessageStoreException wrapped = StorageErrors.Wrap(error, $"bringing message {id} back", Path);
            return (Failed(id, wrapped), wrapped);
        }
    }

    private static bool IsBodyOf(MessageBody body, in ImageHeader image) =>
        body.Length == image.BodyLength && UInt128Bytes.Read(body.Sha256) == image.DigestLow && UInt128Bytes.Read(body.Sha256[16..]) == image.DigestHigh;

    private static MessageRecall Failed(Guid id, MessageStoreException error) => new() { Id = id, ErrorId = error.ErrorId, Reason = error.Message };

    private static MessageStoreException KeepsMoving(Guid id) =>
        new(ErrorIds.MessageNotFound, ErrorKind.Busy, $"Message {id} keeps moving between store and archive; try again.", id);
}
