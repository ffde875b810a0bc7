using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    private AdministratorRecords Records => new(Mail);

    public async Task<ArchiveBlock> BlockArchiveAsync(string mailboxPattern, string reason, string by, CancellationToken cancellationToken = default)
    {
        if (!Wildcard.IsPattern(mailboxPattern)) GroupOf(mailboxPattern);
        if (InForce(GroupRecordKind.Block).FirstOrDefault(r => r.Record.Mailboxes.Equals(mailboxPattern, StringComparison.OrdinalIgnoreCase)) is { Record: not null } same)
            return ToBlock(same.Record, same.Note);
        var note = new RecordNote { By = by, Time = database.Clock.GetUtcNow(), Reason = reason };
        var record = new GroupRecord(database.Ids.Next(), GroupRecordKind.Block, true, mailboxPattern, 0, long.MaxValue, note.Encode());
        await Records.PutAsync(record, []).ConfigureAwait(false);
        return ToBlock(record, note);
    }

    public async Task<IReadOnlyList<ArchiveBlock>> UnblockArchiveAsync(string mailboxPattern, string reason, string by, CancellationToken cancellationToken = default)
    {
        List<(GroupRecord Record, RecordNote Note, int Members)> found = [.. InForce(GroupRecordKind.Block).Where(r => Wildcard.Matches(mailboxPattern, r.Record.Mailboxes))];
        if (found.Count == 0)
        {
            string others = InForce(GroupRecordKind.Block).Find(r => Wildcard.Matches(r.Record.Mailboxes, mailboxPattern)) is { Record: { } wider }
                ? $" It is barred together with others, as '{wider.Mailboxes}': lift that." : "";
            throw new MessageStoreException(ErrorIds.BlockNotFound, ErrorKind.NotFound, $"No archive is barred as '{mailboxPattern}'.{others}", mailboxPattern);
        }
        var lifted = new List<ArchiveBlock>();
        foreach ((GroupRecord record, RecordNote note, _) in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (GroupRecord Record, RecordNote Note) now = await LiftAsync(record, note, reason, by).ConfigureAwait(false);
            lifted.Add(ToBlock(now.Record, now.Note));
        }
        return lifted;
    }

    public async IAsyncEnumerable<ArchiveBlock> ListArchiveBlocksAsync(bool includeLifted = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach ((GroupRecord record, RecordNote note, _) in Records.List(GroupRecordKind.Block))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (record.InForce || includeLifted) yield return ToBlock(record, note);
        }
    }

    private List<(GroupRecord Record, RecordNote Note, int Members)> InForce(GroupRecordKind kind) => [.. Records.List(kind).Where(r => r.Record.InForce)];

    /// <summary>A record that is lifted stays: who lifted it, when and why.</summary>
    private async Task<(GroupRecord Record, RecordNote Note)> LiftAsync(GroupRecord record, RecordNote note, string reason, string by)
    {
        RecordNote lifted = note with { LiftedBy = by, LiftedTime = database.Clock.GetUtcNow(), LiftReason = reason };
        GroupRecord now = record with { InForce = false, Note = lifted.Encode() };
        await Records.PutAsync(now, []).ConfigureAwait(false);
        return (now, lifted);
    }

    /// <exception cref="MessageStoreException">ArchiveAccessDenied.</exception>
    private static void CheckAccess(StorageGroup group, in IndexEntry entry)
    {
        if (!group.TryName(entry, out string? mailbox, out _) || AdministratorRecords.BlockOn(group, mailbox) is not { } block) return;
        throw new MessageStoreException(ErrorIds.ArchiveAccessDenied, ErrorKind.Denied,
            $"The archive of {mailbox} was barred by {block.Note.By} on {block.Note.Time:u}: {block.Note.Reason} Message {entry.Id.ToGuid()} is there and cannot be read until Unblock-MessageArchive.",
            entry.Id.ToGuid());
    }

    private static ArchiveBlock ToBlock(GroupRecord record, RecordNote note) => new()
    {
        Id = record.Id,
        Mailbox = record.Mailboxes,
        By = note.By,
        Since = note.Time,
        Reason = note.Reason,
        InForce = record.InForce,
        LiftedBy = note.LiftedBy,
        LiftedDate = note.LiftedTime,
        LiftReason = note.LiftReason,
    };
}
