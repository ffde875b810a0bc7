using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>What is damaged in a backup, and which messages that costs: everything is read once, in place, and compared with every checksum there is.</summary>
internal sealed class DamageReport
{
    /// <summary>How many stretches, and how many messages, are named one by one.</summary>
    public const int Kept = 1000;

    private readonly List<BackupDamage> damage = [];
    private readonly List<LostMessage> lost = [];

    /// <summary>Stretches of the files, the first <see cref="Kept"/>.</summary>
    public IReadOnlyList<BackupDamage> Damage => damage;

    /// <summary>Messages that are not whole, the first <see cref="Kept"/>.</summary>
    public IReadOnlyList<LostMessage> Lost => lost;

    public long LostCount { get; private set; }

    /// <summary>Messages of which not even the index entry is left.</summary>
    public long UnnamedCount { get; private set; }

    public ulong MissingTransactions { get; private set; }

    public static DamageReport Make(IStorage storage, string path, BackupKey? key, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var report = new DamageReport();
        using var content = BackupContent.Open(storage, path, key, verify: true, cancellationToken);
        report.Add(content.Damage);
        foreach (string group in content.Groups)
        {
            progress?.Report(new RunProgress("Looking for damage", group, 0, 0));
            using BackupGroupView view = content.Open(group, [], ReplayLimit.None, cancellationToken);
            foreach (MailboxState mailbox in view.Mailboxes)
            {
                foreach (IndexEntry entry in view.List(mailbox))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (view.Verify(entry, out _, out _) is { } problem) report.Lose(view, mailbox, entry, problem);
                }
            }
            report.Count(view, content.RecordedMessages(group));
        }
        return report;
    }

    /// <summary>Notes a message that is not whole.</summary>
    public void Lose(BackupGroupView view, MailboxState mailbox, in IndexEntry entry, string problem)
    {
        LostCount++;
        if (lost.Count == Kept) return;
        lost.Add(new LostMessage
        {
            StorageGroup = view.Name,
            Mailbox = mailbox.Name,
            Folder = mailbox.Folders[entry.Folder].Name,
            Id = entry.Id.ToGuid(),
            Subject = view.SubjectOf(entry),
            ReceivedDate = new DateTimeOffset(entry.ReceivedTicks, TimeSpan.Zero),
            Size = entry.Length,
            Reason = problem,
        });
    }

    /// <summary>Counts what nothing is left of, once all of a group was seen.</summary>
    public void Count(BackupGroupView view, long? recorded)
    {
        UnnamedCount += Math.Max(0, (recorded ?? 0) - view.MessageCount);
        MissingTransactions += view.MissingTransactions;
    }

    public void Add(IEnumerable<BackupDamage> stretches) => damage.AddRange(stretches.Take(Kept - damage.Count));

    /// <summary>The findings in a sentence or two.</summary>
    public string Sentence()
    {
        var parts = new List<string>();
        if (LostCount > 0) parts.Add($"{Count(LostCount, "message is", "messages are")} not whole, the first is '{lost[0].Subject}' ({lost[0].Id}) of mailbox '{lost[0].Mailbox}'");
        if (UnnamedCount > 0) parts.Add($"nothing is left of {Count(UnnamedCount, "message", "messages")}");
        if (MissingTransactions > 0) parts.Add($"{Count((long)MissingTransactions, "transaction is", "transactions are")} missing");
        return parts.Count == 0 ? "Every message in it is whole all the same." : char.ToUpperInvariant(parts[0][0]) + string.Join("; ", parts)[1..] + ".";
    }

    private static string Count(long count, string one, string many) => count == 1 ? $"1 {one}" : string.Create(CultureInfo.InvariantCulture, $"{count} {many}");
}
