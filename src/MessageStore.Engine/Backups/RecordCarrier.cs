using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Holds and barred archives outlive a restore to a time before they were said: what the database that is replaced has of them, and logs that survived, is said once more in the restored groups. Only what is
/// missing there is added: what is in force in the restored state stays in force, although it may have been lifted since. Nothing is made up where neither can be read.
/// </summary>
internal sealed class RecordCarrier(IStorage storage)
{
    private static readonly GroupRecordKind[] Kinds = [GroupRecordKind.Hold, GroupRecordKind.Block];

    private readonly Dictionary<Guid, RecordTable> found = [];
    private readonly List<string> problems = [];

    /// <summary>Reads what there is beside the backup, before the restored groups have transactions of their own.</summary>
    /// <param name="isAnew">Whether the restored groups count their transactions anew, so that their numbers say nothing of the logs.</param>
    public void Read(RestorePlan plan, IReadOnlyList<StorageGroup> groups, bool isAnew)
    {
        foreach ((GroupSettings settings, string? store, string logs) in plan.RecordSources(storage))
        {
            ulong restored = isAnew ? 0 : groups.FirstOrDefault(g => g.Name == settings.Name)?.LastLsn ?? 0;
            Read(new RecordSurvey(storage, MailDatabase.IdentityOf(plan.Settings, settings)), store, logs, restored);
        }
    }

    /// <summary>Says once more what the restored groups do not have.</summary>
    /// <returns>A sentence for each thing that an administrator should know of.</returns>
    /// <exception cref="MessageStoreException">A restored group cannot be written: the restore is not done.</exception>
    public IReadOnlyList<string> Add(IReadOnlyList<StorageGroup> groups)
    {
        HashSet<Guid> carried = [], lifted = [];
        foreach (StorageGroup group in groups) Add(group, carried, lifted);
        return [.. Sentences(carried, lifted)];
    }

    private void Read(RecordSurvey survey, string? store, string logs, ulong restored)
    {
        ulong? checkpoint = store is null ? null : survey.ReadCheckpoint(store);
        // Up to its last transaction the restored group says itself what there was to say.
        survey.ReadLogs(logs, checkpoint ?? restored);
        problems.AddRange(survey.Problems);
        foreach (RecordTable table in survey.Records)
        {
            if (!Kinds.Contains(table.Record.Kind)) continue;
            // Where a crash left groups of different minds, what protects more counts.
            GroupRecord record = found.TryGetValue(table.Record.Id, out RecordTable? other) && (other.Record.InForce || !table.Record.InForce) ? other.Record : table.Record;
            found[record.Id] = new RecordTable(record, [.. table.Members.Union(other?.Members ?? [])]);
        }
    }

    private void Add(StorageGroup group, HashSet<Guid> carried, HashSet<Guid> lifted)
    {
        Dictionary<Guid, (GroupRecord Record, int Members)> there = Kinds.SelectMany(group.Records).ToDictionary(r => r.Record.Id);
        foreach (RecordTable table in found.Values)
        {
            List<Guid> members = [.. table.Members.Select(id => id.ToGuid()).Where(id => group.TryGet(id, out _))];
            bool isThere = there.TryGetValue(table.Record.Id, out (GroupRecord Record, int Members) known);
            if (isThere && known.Record.InForce && !table.Record.InForce) lifted.Add(table.Record.Id);
            if (isThere && known.Members >= members.Count) continue;
            group.PutRecordAsync(isThere ? known.Record : table.Record, members).GetAwaiter().GetResult();
            if (table.Record.InForce) carried.Add(table.Record.Id);
        }
    }

    private IEnumerable<string> Sentences(HashSet<Guid> carried, HashSet<Guid> lifted)
    {
        int holds = carried.Count(id => found[id].Record.Kind == GroupRecordKind.Hold);
        if (holds > 0) yield return $"{holds} holds that the restored state did not have were carried over, and are in force: Get-MessageHold shows them.";
        if (carried.Count > holds) yield return $"{carried.Count - holds} blocks of archives that the restored state did not have were carried over, and are in force: Get-MessageArchive shows them.";
        if (lifted.Count > 0) yield return $"{lifted.Count} holds or blocks of archives had been lifted since and are in force again: lift them once more where that still holds.";
        foreach (string problem in problems) yield return $"Holds and blocks of archives said after the restored state may be missing: {problem}";
    }
}
