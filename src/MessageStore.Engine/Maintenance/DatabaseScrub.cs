using System.Buffers;
using System.Diagnostics;
using MessageStore.Archiving;
using MessageStore.Backups;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Reads everything that a database consists of and compares it with what was written: checkpoints, logs, every image, every key and every archive record,
/// and each against the others. Users go on meanwhile; what they change under our hands is looked up again.
/// </summary>
internal sealed partial class DatabaseScrub(
    MailDatabase mail, IKeyManager keys, ArchiveTargets archive, IHeaderReader headers, TimeProvider clock, string spoolFolder, DatabaseTestOptions options,
    IProgress<RunProgress>? progress, IProgress<DatabaseFinding>? found) : IDisposable
{
    private const int ProgressStep = 256;

    private readonly List<DatabaseFinding> findings = [];
    private readonly List<DamagedRecord> badRecords = [];
    private readonly MaintenancePace pace = new(mail.Groups, yields: true, clock);
    private long messages, total, bytes, damaged, repaired;

    public void Dispose() => pace.Dispose();

    public async Task<DatabaseTest> RunAsync(IReadOnlyList<StorageGroup> groups, IReadOnlyList<FailedGroup> failed, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        foreach (FailedGroup group in failed)
            Report(new DatabaseFinding { StorageGroup = group.Settings.Name, File = group.Reason.Target as string ?? "", Problem = group.Reason.Message });
        total = groups.Sum(g => g.GetStatus().MessageCount);
        await CheckArchiveAsync(cancellationToken).ConfigureAwait(false);
        foreach (StorageGroup group in groups) await RunAsync(group, cancellationToken).ConfigureAwait(false);
        ReportMissingFiles();
        if (options.Repair) MendFiles(groups, cancellationToken);
        if (mail.FailedGroups.Count == 0) CheckOrphans(cancellationToken);
        return new DatabaseTest
        {
            Database = mail.Path,
            Result = damaged == 0 ? DatabaseTestResult.Whole : damaged == repaired ? DatabaseTestResult.Repaired : DatabaseTestResult.Damaged,
            Messages = messages,
            Damaged = damaged,
            Repaired = repaired,
            Bytes = bytes,
            Duration = watch.Elapsed,
            Findings = findings,
        };
    }

    private async Task RunAsync(StorageGroup group, CancellationToken cancellationToken)
    {
        progress?.Report(new RunProgress("Testing", $"{group.Name}, checkpoints and logs", messages, total));
        if (group.ClosedForWriting is { } closed) Report(new DatabaseFinding { StorageGroup = group.Name, File = group.LogFolder, Problem = closed.Message });
        List<(DatabaseFinding Finding, bool IsSnapshot)> files = CheckFiles(group, cancellationToken);
        var bad = new List<DamagedMessage>();
        var keyless = new List<DamagedMessage>();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ImageFrames.Longest);
        try
        {
            foreach (string mailbox in group.MailboxNames())
            {
                if (!group.TryFindMailbox(mailbox, out int number)) continue;
                progress?.Report(new RunProgress("Testing", $"{group.Name}, {mailbox}", messages, Math.Max(messages, total)));
                foreach (IndexEntry listed in group.List(number))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (messages % ProgressStep == 0) progress?.Report(new RunProgress("Testing", $"{group.Name}, {mailbox}", messages, Math.Max(messages, total)));
                    await CheckMessageAsync(group, mailbox, listed, buffer, bad, keyless, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        if (options.Repair && keyless.Count > 0) await RebuildKeysAsync(keyless, cancellationToken).ConfigureAwait(false);
        if (options.Repair && bad.Count > 0) await RepairImagesAsync(group, bad, cancellationToken).ConfigureAwait(false);
        if (options.Repair && badRecords.Count > 0) await RepairRecordsAsync(group, badRecords, cancellationToken).ConfigureAwait(false);
        foreach (DamagedMessage message in bad.Concat(keyless)) Report(message.Finding);
        foreach (DamagedRecord record in badRecords)
        {
            NoteBroken(record);
            if (record.IsFileMissing && !record.Finding.IsRepaired) NoteMissing(record.Finding, record.Key);
            else Report(record.Finding);
        }
        badRecords.Clear();
        RepairFiles(group, files, cancellationToken);
    }

    private async Task CheckMessageAsync(
        StorageGroup group, string mailbox, IndexEntry entry, byte[] buffer, List<DamagedMessage> bad, List<DamagedMessage> keyless, CancellationToken cancellationToken)
    {
        messages++;
        pace.Wait((int)Math.Min(entry.ImageLength, int.MaxValue), cancellationToken);
        FileProblem? problem = group.CheckImage(ref entry, buffer, out ImageHeader image);
        bytes += entry.ImageLength;
        if (problem is not null) bad.Add(new DamagedMessage(entry, Finding(group, mailbox, entry, problem.Path, problem.Offset, Sentence(problem.Problem))));
        if (!entry.IsArchived) return;
        await CheckKeysAsync(group, mailbox, entry, problem is null ? image : null, keyless, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Checkpoints, logs and the digest of the index. None of it is changed: a checkpoint now could drop the log that holds a good copy.</summary>
    private List<(DatabaseFinding Finding, bool IsSnapshot)> CheckFiles(StorageGroup group, CancellationToken cancellationToken)
    {
        DatabaseFinding Of(FileProblem p) => new() { StorageGroup = group.Name, File = p.Path, Offset = p.Offset, Problem = Sentence(p.Problem) };
        var problems = new List<(DatabaseFinding, bool)>();
        try
        {
            if (group.IsDigestWrong()) problems.Add((new DatabaseFinding { StorageGroup = group.Name, File = group.StoreFolder, Problem = "The messages in the index do not come to its state digest." }, false));
            problems.AddRange(group.CheckSnapshots(ref bytes).Select(p => (Of(p), true)));
            problems.AddRange(group.CheckLogs(ref bytes, cancellationToken).Select(p => (Of(p), false)));
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            problems.Add((new DatabaseFinding { StorageGroup = group.Name, File = (error as MessageStoreException)?.Target as string ?? group.StoreFolder, Problem = error.Message }, false));
        }
        return problems;
    }

    /// <summary>Bad checkpoints and logs are not needed any more once the store as it is now is in newer ones. Last of all: the logs may be dropped then.</summary>
    private void RepairFiles(StorageGroup group, List<(DatabaseFinding Finding, bool IsSnapshot)> problems, CancellationToken cancellationToken)
    {
        HashSet<string>? still = null;
        try
        {
            if (options.Repair && problems.Count > 0 && group.ClosedForWriting is null)
            {
                long again = 0;
                group.Renew(cancellationToken);
                still = [.. group.CheckSnapshots(ref again).Select(p => p.Path)];
            }
        }
        catch (MessageStoreException error)
        {
            Report(new DatabaseFinding { StorageGroup = group.Name, File = error.Target as string ?? group.StoreFolder, Problem = $"No checkpoint could be taken: {error.Message}" });
        }
        foreach ((DatabaseFinding finding, bool isSnapshot) in problems)
        {
            if (isSnapshot) Report(finding with { RepairedFrom = still?.Contains(finding.File) == false ? "the index in memory" : "" });
            // The store has it all, but a point in time within this file cannot be restored: that is not mended by a new file.
            else Report(still is null ? finding : finding with { Problem = finding.Problem + " Opening does not need this file any more; back up now, and it goes." });
        }
    }

    private static DatabaseFinding Finding(StorageGroup group, string mailbox, in IndexEntry entry, string file, long? offset, string problem) => new()
    {
        StorageGroup = group.Name, Mailbox = mailbox, Id = entry.Id.ToGuid(), Subject = SubjectOf(group, entry), File = file, Offset = offset, Problem = problem,
    };

    private static string SubjectOf(StorageGroup group, in IndexEntry entry)
    {
        try
        {
            return group.ReadSummary(entry)?.Summary.Subject ?? "";
        }
        catch (Exception error) when (error is MessageStoreException or FormatException)
        {
            return "";
        }
    }

    private void Report(DatabaseFinding finding)
    {
        damaged++;
        if (finding.IsRepaired) repaired++;
        if (findings.Count < DatabaseTest.FindingsKept) findings.Add(finding);
        found?.Report(finding);
    }

    private static string Sentence(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].TrimEnd('.') + ".";

    /// <summary>A message with a finding that may still be repaired.</summary>
    private sealed class DamagedMessage(IndexEntry entry, DatabaseFinding finding)
    {
        public IndexEntry Entry => entry;

        public DatabaseFinding Finding { get; set; } = finding;
    }
}
