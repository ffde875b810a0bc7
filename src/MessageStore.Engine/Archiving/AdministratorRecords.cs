using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// The records of a database, which lie in every group: a record speaks of mailboxes by pattern, also of those that come later, and each group must be whole without the
/// others. Where a crash left groups of different minds, what protects more counts: a record is in force as long as one group has it so.
/// </summary>
internal sealed class AdministratorRecords(MailDatabase mail)
{
    /// <summary>All records of a kind, the oldest first, with the number of messages that they name one by one.</summary>
    public List<(GroupRecord Record, RecordNote Note, int Members)> List(GroupRecordKind kind) =>
        [.. mail.Groups.SelectMany(g => g.Records(kind)).GroupBy(r => r.Record.Id)
            .Select(same => (same.MaxBy(r => r.Record.InForce).Record, Members: same.Sum(r => r.Members)))
            .Select(r => (r.Record, Note: RecordNote.Read(r.Record), r.Members))
            .OrderBy(r => r.Note.Time)];

    /// <summary>Adds or replaces a record in every group.</summary>
    /// <param name="members">Messages that it names one by one: each goes to the group that has it.</param>
    /// <exception cref="MessageStoreException">A group is not open: the record would not hold there. GroupClosedForWriting, DiskFull.</exception>
    public async Task PutAsync(GroupRecord record, IReadOnlyCollection<Guid> members)
    {
        if (mail.FailedGroups.Count > 0)
            throw new MessageStoreException(mail.FailedGroups[0].Reason.ErrorId, ErrorKind.Device,
                $"Storage group {mail.FailedGroups[0].Settings.Name} is not open, so this would not hold for its mailboxes: {mail.FailedGroups[0].Reason.Message}",
                record.Mailboxes, mail.FailedGroups[0].Reason);
        foreach (StorageGroup group in mail.Groups)
            await group.PutRecordAsync(record, [.. members.Where(id => group.TryGet(id, out _))]).ConfigureAwait(false);
    }
}
