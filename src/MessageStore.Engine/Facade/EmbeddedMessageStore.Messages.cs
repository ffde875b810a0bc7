using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Messages;
using MessageStore.Replication;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>How often a read looks again when the message moved under its hands: to the archive, back, or in a compaction.</summary>
    private const int LookAgain = 8;

    public async Task<StoredMessage> AppendAsync(MessageToAppend message, CancellationToken cancellationToken = default)
    {
        MailboxNames.CheckFolder(message.Folder);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await AppendOnceAsync(message, cancellationToken).ConfigureAwait(false);
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MailboxNotFound && message.CreateMailbox && attempt < LookAgain)
            {
                // Removed under our hands. Whoever wants the mailbox created gets a new one.
            }
        }
    }

    private async Task<StoredMessage> AppendOnceAsync(MessageToAppend message, CancellationToken cancellationToken)
    {
        MessageJournal? journal = message.Journal ? new MessageJournal(Nodes.Target, database.Keys, database.Storage, database.SpoolPath) : null;
        StorageGroup group;
        if (message.CreateMailbox && Mail.GroupOf(message.Mailbox) is null)
            (group, _) = await Mail.CreateMailboxAsync(message.Mailbox, null, cancellationToken).ConfigureAwait(false);
        else
            group = GroupOf(message.Mailbox);
        if (!group.TryFindMailbox(message.Mailbox, out int mailbox, out string name)) throw NoMailbox(message.Mailbox);
        ushort folder = await group.FolderAsync(mailbox, message.Folder, cancellationToken).ConfigureAwait(false);

        ReadOnlyMemory<byte> head = message.Body.Head;
        MessageSummary summary = database.Headers.Read(head.Span[..Math.Min(head.Length, MessageBody.HeadLimit)]);
        DateTimeOffset now = database.Clock.GetUtcNow();
        DateTimeOffset received = message.ReceivedDate ?? summary.ReceivedDate ?? summary.Date ?? now;
        var image = new ImageHeader
        {
            Id = database.Ids.Next(),
            DigestLow = UInt128Bytes.Read(message.Body.Sha256),
            DigestHigh = UInt128Bytes.Read(message.Body.Sha256[16..]),
            ReceivedTicks = received.UtcTicks,
            BodyLength = message.Body.Length,
            Mailbox = mailbox,
            Folder = folder,
            Flags = (EntryFlags)message.Flags | (summary.IsPartial ? EntryFlags.Partial : 0),
        };
        IReadOnlyList<ArchiveKey> copies = journal is null ? [] : await journal.SendAsync(JournalEntry(message, image, summary, name, now), cancellationToken).ConfigureAwait(false);
        await group.AppendAsync(image, summary, message.Body, cancellationToken).ConfigureAwait(false);
        if (journal is not null)
        {
            journal.Record(copies);
            if (!Mail.TryFind(image.Id, out _, out _)) DeletedRecords.Forget(database.Keys, [image.Id], now); // it was deleted before its keys were there
        }
        return Describe(image, summary, name, message.Folder, image.Flags);
    }

    /// <summary>A message's copies have no deletion date: how long it is kept is said when it is archived.</summary>
    private static ArchiveEntry JournalEntry(MessageToAppend message, in ImageHeader image, MessageSummary summary, string mailbox, DateTimeOffset now) => new()
    {
        Id = image.Id,
        Mailbox = mailbox,
        Folder = message.Folder,
        Flags = message.Flags,
        Sender = summary.From,
        ReceivedDate = new DateTimeOffset(image.ReceivedTicks, TimeSpan.Zero),
        StorageDate = now,
        Body = message.Body,
    };

    public async IAsyncEnumerable<StoredMessage> ListAsync(MessageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach ((StorageGroup group, IndexEntry entry) in Candidates(query))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!Matches(query, entry) || !group.TryName(entry, out string? mailbox, out string? folder)) continue;
            if (query.Folder is not null && !Wildcard.Matches(query.Folder, folder)) continue;
            if (query.Ids.Count > 0 && query.Mailbox is not null && !Wildcard.Matches(query.Mailbox, mailbox)) continue;
            if (Summarize(group, entry) is not { } found) continue;
            if (query.From is not null && !Wildcard.Contains(query.From, found.Summary.From)) continue;
            if (query.Subject is not null && !Wildcard.Contains(query.Subject, found.Summary.Subject)) continue;
            yield return Describe(found.Image, found.Summary, mailbox, folder, found.Flags, found.IsDamaged);
        }
    }

    public async Task<Stream> OpenReadAsync(Guid id, CancellationToken cancellationToken = default)
    {
        for (int attempt = 0; attempt < LookAgain; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry)) throw NoMessage(id);
            if (entry.IsArchived)
            {
                CheckAccess(group, entry);
                if (await OpenArchivedAsync(group, entry, cancellationToken).ConfigureAwait(false) is { } archived) return archived;
            }
            else if (group.OpenBody(entry) is { } body)
            {
                return body;
            }
            await Task.Yield();
        }
        throw KeepsMoving(id);
    }

    public async Task<StoredMessage> SetFlagsAsync(Guid id, MessageFlags set, MessageFlags clear, CancellationToken cancellationToken = default)
    {
        if (!Mail.TryFind(id, out StorageGroup group, out _)) throw NoMessage(id);
        await group.CommitAsync(Transaction.Flags(id, (EntryFlags)set, (EntryFlags)clear, group.Identity.Salt)).ConfigureAwait(false);
        return Describe(id);
    }

    public async Task<StoredMessage> MoveAsync(Guid id, string folder, CancellationToken cancellationToken = default)
    {
        MailboxNames.CheckFolder(folder);
        if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry)) throw NoMessage(id);
        ushort number = await group.FolderAsync(entry.Mailbox, folder, cancellationToken).ConfigureAwait(false);
        await group.CommitAsync(Transaction.Moved(id, number, group.Identity.Salt)).ConfigureAwait(false);
        return Describe(id);
    }

    public async Task DeleteAsync(Guid id, CancellationToken cancellationToken = default)
    {
        if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry)) throw NoMessage(id);
        if (group.HoldOn(id) is { } hold) throw OnHold($"Message {id}", id, hold);
        DateTimeOffset now = database.Clock.GetUtcNow();
        if (entry.IsArchived) DeletedRecords.Mark(database.Keys, [id], now); // where the keys cannot be reached, an archived message is not deleted
        await group.CommitAsync(Transaction.Deleted(id, group.Identity.Salt)).ConfigureAwait(false);
        if (group.HoldOn(id) is { } late) throw OnHold($"Message {id}", id, late); // the hold came first: nothing was deleted
        try
        {
            // A key may have come into being while the deletion was under way.
            DeletedRecords.Forget(database.Keys, [id], now);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.KeysUnavailable && !entry.IsArchived)
        {
            // A message in the store is deleted whether or not the keys can be reached. Should a run have recorded a key at this very moment, Test-MessageDatabase finds it.
        }
    }

    private IEnumerable<(StorageGroup, IndexEntry)> Candidates(MessageQuery query)
    {
        if (query.Ids.Count > 0)
        {
            foreach (Guid id in query.Ids)
                if (Mail.TryFind(id, out StorageGroup group, out IndexEntry entry))
                    yield return (group, entry);
            yield break;
        }
        if (query.Mailbox is not null && !Wildcard.IsPattern(query.Mailbox)) GroupOf(query.Mailbox);
        foreach ((StorageGroup group, string name) in MatchingMailboxes(query.Mailbox))
        {
            if (!group.TryFindMailbox(name, out int number)) continue;
            foreach (IndexEntry entry in group.List(number)) yield return (group, entry);
        }
    }

    private static bool Matches(MessageQuery query, in IndexEntry entry) =>
        (query.ReceivedAfter is not { } after || entry.ReceivedTicks >= after.UtcTicks)
        && (query.ReceivedBefore is not { } before || entry.ReceivedTicks < before.UtcTicks)
        && (query.IsRead is not { } read || read == (((MessageFlags)entry.Flags & MessageFlags.Read) != 0))
        && (query.IsArchived is not { } archived || archived == entry.IsArchived);

    /// <summary>
    /// A message's header and summary, found again where it moved under our hands; <see langword="null"/> where it is gone. Of one that is damaged, what the index knows: one bad
    /// sector must not end the listing of a mailbox.
    /// </summary>
    private static (ImageHeader Image, MessageSummary Summary, EntryFlags Flags, bool IsDamaged)? Summarize(StorageGroup group, IndexEntry entry)
    {
        for (int attempt = 0; attempt < LookAgain; attempt++)
        {
            IndexEntry looked = entry;
            try
            {
                if (group.ReadSummary(entry) is { } found) return (found.Image, found.Summary, entry.Flags, false);
                if (!group.TryGet(entry.Id.ToGuid(), out entry)) return null;
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MessageDamaged)
            {
                // Compacted or archived under our hands?
                if (!group.TryGet(entry.Id.ToGuid(), out entry)) return null;
                if (entry.Segment != looked.Segment || entry.Offset8 != looked.Offset8) continue;
                var known = new ImageHeader { Id = entry.Id.ToGuid(), ReceivedTicks = entry.ReceivedTicks, BodyLength = entry.Length };
                return (known, MessageSummary.Empty, entry.Flags, true);
            }
        }
        return null;
    }

    private StoredMessage Describe(Guid id)
    {
        if (!Mail.TryFind(id, out StorageGroup group, out IndexEntry entry) || Summarize(group, entry) is not { } found
            || !group.TryName(entry, out string? mailbox, out string? folder))
            throw NoMessage(id);
        return Describe(found.Image, found.Summary, mailbox, folder, found.Flags, found.IsDamaged);
    }

    private static StoredMessage Describe(in ImageHeader image, MessageSummary summary, string mailbox, string folder, EntryFlags flags, bool isDamaged = false)
    {
        Span<byte> sha256 = stackalloc byte[32];
        image.DigestLow.Write(sha256);
        image.DigestHigh.Write(sha256[16..]);
        return new StoredMessage
        {
            Id = image.Id,
            Mailbox = mailbox,
            Folder = folder,
            ReceivedDate = new DateTimeOffset(image.ReceivedTicks, TimeSpan.Zero),
            From = summary.From,
            To = summary.To,
            Subject = summary.Subject,
            Date = summary.Date,
            MessageIdHeader = summary.MessageId,
            Size = image.BodyLength,
            Flags = (MessageFlags)(flags & EntryFlags.UserMask),
            IsArchived = (flags & EntryFlags.Archived) != 0,
            IsPartial = summary.IsPartial,
            IsDamaged = isDamaged,
            Sha256 = isDamaged ? "" : Convert.ToHexStringLower(sha256),
        };
    }

    private static MessageStoreException NoMessage(Guid id) =>
        new(ErrorIds.MessageNotFound, ErrorKind.NotFound, $"There is no message {id}.", id);

    private static MessageStoreException NoMailbox(string name) =>
        new(ErrorIds.MailboxNotFound, ErrorKind.NotFound, $"There is no mailbox '{name}'.", name);
}
