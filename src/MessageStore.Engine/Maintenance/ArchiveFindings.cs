namespace MessageStore.Maintenance;

/// <summary>What a test of the archive finds: handed on at once, counted, and the first of them kept, so that a broken archive of any size takes bounded memory.</summary>
/// <param name="found">Told of each.</param>
internal sealed class ArchiveFindings(IProgress<ArchiveFinding>? found)
{
    private readonly List<ArchiveFinding> kept = [];
    private bool isDamaged, isRepaired;

    public long Count { get; private set; }

    public IReadOnlyList<ArchiveFinding> Kept => kept;

    public DatabaseTestResult Result => isDamaged ? DatabaseTestResult.Damaged : isRepaired ? DatabaseTestResult.Repaired : DatabaseTestResult.Whole;

    public void Add(ArchiveFinding finding)
    {
        Count++;
        if (finding.IsRepaired) isRepaired = true;
        else if (!finding.IsHarmless) isDamaged = true;
        // What is harmless must not crowd out what is not.
        if (kept.Count < (finding.IsHarmless ? ArchiveTest.FindingsKept / 2 : ArchiveTest.FindingsKept)) kept.Add(finding);
        found?.Report(finding);
    }

    public void Add(string mailbox, string file, long? offset, long messages, string problem) =>
        Add(new ArchiveFinding { Mailbox = mailbox, File = file, Offset = offset, Messages = messages, Problem = problem });
}
