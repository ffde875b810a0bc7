using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>
/// Mending, in batches: the good copies are read side by side, what is bad is erased with one request to each unit, what is missing is written with one request for all that may go to the
/// same nodes, and their keys are changed together. A message that fails costs no other of its batch anything but what a unit refuses for all.
/// </summary>
internal sealed partial class ReplicaRepair
{
    /// <summary>Bytes of records in a batch, or one record.</summary>
    private const long BatchBytes = 4L << 20;

    /// <summary>Messages whose copies are not what they should be. Guarded by the gate.</summary>
    private readonly Queue<Mending> waiting = [];

    /// <summary>What is mended next, where there is enough of it.</summary>
    private List<Mending>? TakeBatch(bool isLast)
    {
        lock (gate)
        {
            if (waiting.Count == 0 || !isLast && waiting.Count < messagesInFlight && waiting.Sum(m => m.Length) < BatchBytes) return null;
            var batch = new List<Mending>();
            for (long length = 0; batch.Count < messagesInFlight && waiting.TryPeek(out Mending? next) && (batch.Count == 0 || length + next.Length <= BatchBytes); length += next.Length)
                batch.Add(waiting.Dequeue());
            return batch;
        }
    }

    private async Task MendAsync(List<Mending> batch, Pace pace, CancellationToken cancellationToken)
    {
        await Task.WhenAll(batch.Select(m => TryAsync([m], () => ReadAsync(m, pace, cancellationToken)))).ConfigureAwait(false);

        // A unit that still thinks it has a whole record would answer with it.
        foreach (IGrouping<string, (Mending Message, ArchiveKey Copy)> bad in batch.Where(m => m.IsReadable).SelectMany(m => m.Bad.Select(k => (Message: m, Copy: k))).GroupBy(b => b.Copy.Unit).ToList())
            await TryAsync([.. bad.Select(b => b.Message)], () => EraseAsync(bad.Key, [.. bad.Select(b => b.Copy)], cancellationToken)).ConfigureAwait(false);

        foreach (Mending message in batch.Where(m => m.IsReadable))
        {
            int first = await ShortInFirstGroupAsync(message.Good, cancellationToken).ConfigureAwait(false);
            message.Missing = Math.Max(target.Copies - message.Good.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Count(), first);
        }
        foreach (IGrouping<(string, int), Mending> alike in batch.Where(m => m.IsReadable && m.Missing > 0).GroupBy(m => (m.Nodes, m.Missing)).ToList())
        {
            Mending[] together = [.. alike];
            await TryAsync(together, () => WriteAsync(together, cancellationToken)).ConfigureAwait(false);
        }
        Mending[] whole = [.. batch.Where(m => m.IsReadable)];
        await TryAsync(whole, () =>
        {
            // What lies on a unit that is away is an orphan when it comes back.
            keys.RemoveCopies([.. whole.SelectMany(m => m.Bad.Concat(m.Away).Where(k => !m.Written.Contains(k.Unit)))]);
            Interlocked.Add(ref restored, whole.Length);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
    }

    /// <summary>Does something for messages; where it fails they are told of, and nothing more is done for them.</summary>
    private async Task TryAsync(IReadOnlyList<Mending> messages, Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            foreach (Mending message in messages)
            {
                Report($"Message {message.Id} of {message.Any.Mailbox} could not be brought back to {target.Copies} copies: {error.Message}");
                GiveUp(message);
            }
        }
    }

    private void GiveUp(Mending message)
    {
        message.Content = null;
        if (message.IsShort) Interlocked.Increment(ref underReplicated);
        message.IsShort = false; // counted
    }

    /// <summary>Reads the first copy that is whole; those that are not are bad from now on.</summary>
    private async Task ReadAsync(Mending message, Pace pace, CancellationToken cancellationToken)
    {
        foreach (ArchiveKey copy in (ArchiveKey[])[.. message.Good])
        {
            message.Content = await ReadAsync(copy, pace, cancellationToken).ConfigureAwait(false);
            if (message.IsReadable) return;
            message.Good.Remove(copy);
            message.Bad.Add(copy);
        }
        Interlocked.Increment(ref unreadable);
        message.IsShort = true;
        GiveUp(message);
    }

    /// <summary>Stores messages on units of other nodes than have them, and gives them the keys for it.</summary>
    private async Task WriteAsync(Mending[] messages, CancellationToken cancellationToken)
    {
        IReadOnlyList<HopAnswer> stored = await writer.WriteAsync(
            [.. messages.Select(m => new SentRecord(m.Content!, Crc32C.Compute(m.Content!)))], [.. messages[0].Good.Select(k => k.Unit)], messages[0].Missing, cancellationToken).ConfigureAwait(false);
        for (int number = 0; number < messages.Length; number++)
            messages[number].New = [.. stored.Select(a => messages[number].Any with { Unit = a.Unit, Volume = a.Places[number].Volume, Offset = a.Places[number].Offset, Length = a.Places[number].Length })];
        keys.Put([.. messages.SelectMany(m => m.New)]);

        // A message that was removed meanwhile has no other keys any more. What was written for it now is an orphan.
        ILookup<Guid, ArchiveKey> there = keys.Find([.. messages.Select(m => m.Id)]).ToLookup(k => k.Id);
        keys.RemoveCopies([.. messages.Where(m => !there[m.Id].Any(k => !m.Written.Contains(k.Unit))).SelectMany(m => m.New)]);
    }

    /// <summary>Reads a copy and compares all its checksums.</summary>
    /// <returns><see langword="null"/> where it is not what was written.</returns>
    /// <exception cref="MessageStoreException">ArchiveUnavailable.</exception>
    private async Task<byte[]?> ReadAsync(ArchiveKey copy, Pace pace, CancellationToken cancellationToken)
    {
        try
        {
            await pace.WaitAsync(copy.Length, cancellationToken).ConfigureAwait(false);
            FetchedRecord record = await target.FetchAsync(copy, cancellationToken).ConfigureAwait(false);
            ArchiveRecordReader.Verify(record, ArchiveRecordReader.ReadInfo(record, copy));
            var content = new byte[copy.Length];
            record.ReadFully(content, copy.Offset);
            Interlocked.Add(ref bytes, content.Length);
            return content;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            Report(error.Message);
            return null;
        }
    }

    private async Task EraseAsync(string unit, IReadOnlyList<ArchiveKey> copies, CancellationToken cancellationToken)
    {
        if (await directory.FindAsync(unit, cancellationToken).ConfigureAwait(false) is not { } node) return;
        await connector.Connect(node.Url).EraseAsync(unit, database, [.. copies.Select(k => new ErasedRecord(k.Id, k.Volume, k.Offset, k.Length))], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A message on its way to whole copies.</summary>
    /// <param name="good">Copies that are whole, as far as is known; at least one.</param>
    /// <param name="bad">Copies that their units do not have whole.</param>
    /// <param name="away">Copies whose units do not answer.</param>
    private sealed class Mending(List<ArchiveKey> good, List<ArchiveKey> bad, List<ArchiveKey> away)
    {
        public ArchiveKey Any { get; } = good[0];

        public Guid Id => Any.Id;

        public long Length => Any.Length;

        public List<ArchiveKey> Good => good;

        public List<ArchiveKey> Bad => bad;

        public List<ArchiveKey> Away => away;

        /// <summary>Whether it has fewer copies than it should, and has not been counted for it.</summary>
        public bool IsShort { get; set; }

        /// <summary>Its record, once a whole one was read and until something failed.</summary>
        public byte[]? Content { get; set; }

        public bool IsReadable => Content is not null;

        /// <summary>Nodes that have it whole.</summary>
        public string Nodes => string.Join(' ', good.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Order(StringComparer.Ordinal));

        /// <summary>Copies to be written.</summary>
        public int Missing { get; set; }

        /// <summary>Keys of the copies that were written.</summary>
        public IReadOnlyList<ArchiveKey> New { get; set; } = [];

        public HashSet<string> Written => [.. New.Select(k => k.Unit)];
    }
}
