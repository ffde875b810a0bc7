using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that sets a policy of the archive agent. What is not named stays as it is.</summary>
public abstract class ArchivePolicyCommand : DatabaseItemCommand
{
    [Parameter]
    [ValidateSpan]
    public TimeSpan? ArchiveOlderThan { get; set; }

    [Parameter]
    public ReadState? ArchiveReadState { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string[]? ArchiveFolder { get; set; }

    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? ArchiveMinimumSize { get; set; }

    [Parameter]
    public bool? ArchiveKeepFlagged { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? RetainFor { get; set; }

    [Parameter]
    public bool? NeverArchive { get; set; }

    [Parameter]
    public SwitchParameter ClearArchivePolicy { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected string Change => ClearArchivePolicy ? "Clear the archive policy" : "Set the archive policy";

    private protected ArchivePolicy? Policy => ClearArchivePolicy ? null : new ArchivePolicy
    {
        OlderThan = ArchiveOlderThan,
        ReadState = ArchiveReadState,
        Folders = ArchiveFolder,
        MinimumSize = ArchiveMinimumSize,
        KeepFlagged = ArchiveKeepFlagged,
        RetainFor = RetainFor,
        Never = NeverArchive,
    };
}
