using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>What the database's own policy is kept under.</summary>
    private const string EveryMailbox = "*";

    public async Task<ArchivePolicyInfo?> SetArchivePolicyAsync(string? mailbox, ArchivePolicy? policy, string by, CancellationToken cancellationToken = default)
    {
        if (mailbox is not null) GroupOf(mailbox);
        if (policy is { OlderThan: { } age } && age < TimeSpan.Zero)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"An age of {age} is below zero.", age);
        cancellationToken.ThrowIfCancellationRequested();
        string name = mailbox ?? EveryMailbox;
        (GroupRecord? old, RecordNote? was, _) = Records.List(GroupRecordKind.Policy).Find(r => r.Record.Mailboxes.Equals(name, StringComparison.OrdinalIgnoreCase));
        ArchivePolicy? now = policy is null ? null : ArchiveRules.Over(policy, old?.InForce == true ? was!.Policy : null);
        if (now is null && old is null) return null;
        var note = new RecordNote { By = by, Time = database.Clock.GetUtcNow(), Reason = "", Policy = now };
        await Records.PutAsync(new GroupRecord(old?.Id ?? database.Ids.Next(), GroupRecordKind.Policy, now is not null, name, 0, long.MaxValue, note.Encode()), []).ConfigureAwait(false);
        return ListPolicies().Find(p => p.Mailbox.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    public async IAsyncEnumerable<ArchivePolicyInfo> ListArchivePoliciesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (ArchivePolicyInfo policy in ListPolicies().OrderBy(p => p.Mailbox, StringComparer.OrdinalIgnoreCase))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return policy;
        }
    }

    private List<ArchivePolicyInfo> ListPolicies()
    {
        List<(GroupRecord Record, RecordNote Note, int Members)> records = [.. Records.List(GroupRecordKind.Policy).Where(r => r is { Record.InForce: true, Note.Policy: not null })];
        ArchivePolicy? common = records.Find(r => r.Record.Mailboxes == EveryMailbox).Note?.Policy;
        return [.. records.Select(r => new ArchivePolicyInfo
        {
            Mailbox = r.Record.Mailboxes,
            Policy = r.Note.Policy!,
            Effective = ArchiveRules.Over(r.Note.Policy!, common),
            By = r.Note.By,
            Since = r.Note.Time,
        })];
    }

    /// <summary>Policies in force, by the mailbox that they are for.</summary>
    private Dictionary<string, ArchivePolicy> Policies() => ListPolicies().ToDictionary(p => p.Mailbox, p => p.Policy, StringComparer.OrdinalIgnoreCase);
}
