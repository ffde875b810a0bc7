using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Sets and clears the flags of messages.</summary>
[Cmdlet(VerbsCommon.Set, "StoredMessage", SupportsShouldProcess = true)]
[OutputType(typeof(StoredMessage))]
public sealed class SetStoredMessageCommand : MessageCommand
{
    [Parameter]
    public bool IsRead { get; set; }

    [Parameter]
    public bool IsFlagged { get; set; }

    [Parameter]
    public bool IsAnswered { get; set; }

    [Parameter]
    public bool IsDraft { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override bool Shows => PassThru;

    private protected override string Change => (Flags(true), Flags(false)) switch
    {
        (var set, MessageFlags.None) => $"Set flags {set}",
        (MessageFlags.None, var clear) => $"Clear flags {clear}",
        (var set, var clear) => $"Set flags {set}, clear flags {clear}",
    };

    private protected override async Task<StoredMessage?> ChangeAsync(IMessageStore store, Guid id, CancellationToken token) =>
        await store.SetFlagsAsync(id, Flags(true), Flags(false), token).ConfigureAwait(false);

    /// <summary>The flags whose parameter was given with this value.</summary>
    private MessageFlags Flags(bool value) =>
        Flag(nameof(IsRead), IsRead, MessageFlags.Read, value)
        | Flag(nameof(IsFlagged), IsFlagged, MessageFlags.Flagged, value)
        | Flag(nameof(IsAnswered), IsAnswered, MessageFlags.Answered, value)
        | Flag(nameof(IsDraft), IsDraft, MessageFlags.Draft, value);

    private MessageFlags Flag(string parameter, bool value, MessageFlags flag, bool wanted) =>
        value == wanted && MyInvocation.BoundParameters.ContainsKey(parameter) ? flag : MessageFlags.None;
}
