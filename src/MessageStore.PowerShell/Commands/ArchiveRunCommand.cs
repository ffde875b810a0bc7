using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>A run that takes the criteria of the Archive Agent.</summary>
public abstract class ArchiveRunCommand : DatabaseRunCommand
{
    /// <summary>The most seekers or archivers there may be.</summary>
    private const int MostWorkers = 64;

    private static readonly string[] CriterionNames =
        [nameof(OlderThan), nameof(Before), nameof(ReadState), nameof(Folder), nameof(Mailbox), nameof(MinimumSize), nameof(KeepFlagged), nameof(TargetSize)];

    [Parameter]
    [ValidateSpan]
    public TimeSpan? OlderThan { get; set; }

    [Parameter]
    public DateTimeOffset? Before { get; set; }

    [Parameter]
    public ReadState ReadState { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string[] Folder { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? MinimumSize { get; set; }

    [Parameter]
    public SwitchParameter KeepFlagged { get; set; }

    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? TargetSize { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? RetainFor { get; set; }

    [Parameter]
    public ArchiveCompression Compression { get; set; } = ArchiveCompression.Fastest;

    [Parameter]
    [ValidateRange(0, MostWorkers)]
    public int Seekers { get; set; }

    [Parameter]
    [ValidateRange(0, MostWorkers)]
    public int Archivers { get; set; }

    /// <summary>Whether anything says which messages to archive.</summary>
    private protected bool HasCriterion => CriterionNames.Any(MyInvocation.BoundParameters.ContainsKey);

    private protected ArchiveOptions ArchiveOptions(bool dryRun) => new()
    {
        OlderThan = OlderThan,
        Before = Before,
        ReadState = ReadState,
        Folders = Folder,
        Mailboxes = Mailbox,
        MinimumSize = MinimumSize,
        KeepFlagged = KeepFlagged,
        TargetBytes = TargetSize,
        UsePolicies = !HasCriterion,
        RetainFor = RetainFor,
        Compression = Compression,
        Seekers = Seekers,
        Archivers = Archivers,
        DryRun = dryRun,
    };
}
