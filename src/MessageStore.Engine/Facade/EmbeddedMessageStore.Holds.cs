using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    public async Task<MessageHold> AddHoldAsync(HoldRequest request, CancellationToken cancellationToken = default)
    {
        if (request.Mailbox is null == (request.Ids.Count == 0))
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "A hold names either mailboxes or messages.", request.Reason);
        if (request.ReceivedAfter >= request.ReceivedBefore)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                $"The hold would cover nothing: {request.ReceivedAfter:u} is not before {request.ReceivedBefore:u}.", request.ReceivedAfter);
        if (request.Mailbox is { } name && !Wildcard.IsPattern(name)) GroupOf(name);
        foreach (Guid id in request.Ids)
            if (!Mail.TryFind(id, out _, out _)) throw NoMessage(id);
        cancellationToken.ThrowIfCancellationRequested();
        var note = new RecordNote { By = request.By, Time = database.Clock.GetUtcNow(), Reason = request.Reason };
        var record = new GroupRecord(database.Ids.Next(), GroupRecordKind.Hold, true, request.Mailbox ?? "",
            request.ReceivedAfter?.UtcTicks ?? 0, request.ReceivedBefore?.UtcTicks ?? long.MaxValue, note.Encode());
        await Records.PutAsync(record, [.. request.Ids]).ConfigureAwait(false);
        return ToHold(record, note, request.Ids.Distinct().Count());
    }

    public async IAsyncEnumerable<MessageHold> ListHoldsAsync(Guid? id = null, bool includeLifted = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach ((GroupRecord record, RecordNote note, int members) in Records.List(GroupRecordKind.Hold))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (id is { } one ? record.Id == one : record.InForce || includeLifted) yield return ToHold(record, note, members);
        }
    }

    public async Task<MessageHold> RemoveHoldAsync(Guid id, string reason, string by, CancellationToken cancellationToken = default)
    {
        if (InForce(GroupRecordKind.Hold).Find(r => r.Record.Id == id) is not { Record: not null } found)
            throw new MessageStoreException(ErrorIds.HoldNotFound, ErrorKind.NotFound, $"There is no hold {id} in force.", id);
        cancellationToken.ThrowIfCancellationRequested();
        (GroupRecord Record, RecordNote Note) now = await LiftAsync(found.Record, found.Note, reason, by).ConfigureAwait(false);
        return ToHold(now.Record, now.Note, found.Members);
    }

    private static MessageStoreException OnHold(string what, object target, GroupRecord hold) => new(
        ErrorIds.MessageOnHold, ErrorKind.Denied, $"{what} is {RecordNote.DescribeHold(hold)} It cannot be deleted until that hold is lifted.", target);

    private static MessageHold ToHold(GroupRecord record, RecordNote note, int members) => new()
    {
        Id = record.Id,
        Mailbox = record.Mailboxes.Length == 0 ? null : record.Mailboxes,
        ReceivedAfter = record.FromTicks == 0 ? null : new DateTimeOffset(record.FromTicks, TimeSpan.Zero),
        ReceivedBefore = record.BeforeTicks == long.MaxValue ? null : new DateTimeOffset(record.BeforeTicks, TimeSpan.Zero),
        MessageCount = members,
        By = note.By,
        Since = note.Time,
        Reason = note.Reason,
        InForce = record.InForce,
        LiftedBy = note.LiftedBy,
        LiftedDate = note.LiftedTime,
        LiftReason = note.LiftReason,
    };
}
