using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Removes archived messages whose deletion date has passed and that no hold covers.</summary>
[Cmdlet(VerbsCommon.Remove, "ExpiredMessage", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(ExpiryRun), typeof(MessageStoreJob))]
public sealed class RemoveExpiredMessageCommand : DatabaseRunCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    /// <summary>How long records of messages that their users deleted are kept.</summary>
    [Parameter]
    [ValidateSpan]
    public TimeSpan KeepDeletedFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>The share of an archive file that such records must be for it to be written anew.</summary>
    [Parameter]
    [ValidateRange(0.0, 1.0)]
    public double MinimumDeadShare { get; set; } = 0.25;

    private protected override string Activity => "Removing what has expired";

    /// <summary>Whether <c>-WhatIf</c> or <c>$WhatIfPreference</c> asks for words instead of deeds.</summary>
    private bool IsPreview => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? whatIf)
        ? LanguagePrimitives.IsTrue(whatIf)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference", false));

    protected override void ProcessRecord()
    {
        var options = new ExpiryOptions { Mailboxes = Mailbox, KeepDeletedFor = KeepDeletedFor, MinimumDeadShare = MinimumDeadShare };
        if (IsPreview)
        {
            Preview(options with { DryRun = true });
            return;
        }

        if (!ShouldProcess(Database, "Remove messages whose deletion date has passed")) return;
        UseOrStart(async (store, run) =>
        {
            ExpiryRun result = await store.ExpireAsync(options, run.Progress, run.Token).ConfigureAwait(false);
            run.Write(result);
            foreach (ExpiryReceipt receipt in result.Receipts.Where(static receipt => receipt.Failed > 0)) run.Error(Failure(receipt));
        });
    }

    /// <summary>Says for each mailbox what would go and what a hold keeps.</summary>
    private void Preview(ExpiryOptions options)
    {
        ExpiryRun? found = null;
        Use(Database, async (store, run) => found = await store.ExpireAsync(options, run.Progress, run.Token).ConfigureAwait(false));
        if (found is null) return;
        foreach (ExpiryReceipt receipt in found.Receipts)
            ShouldProcess(receipt.Mailbox, $"Remove {receipt.Due - receipt.Held} expired messages and keep {receipt.Held} that are held{(receipt.Reclaimed > 0 ? $"; give up {receipt.Reclaimed} records of deleted messages" : "")}");
        if (found.Receipts.Count == 0) ShouldProcess(Database, "Remove 0 expired messages");
        WriteObject(found);
    }

    internal static MessageStoreException Failure(ExpiryReceipt receipt) => new(
        ErrorIds.ExpiryFailed, ErrorKind.Device, $"Not all that has expired in mailbox '{receipt.Mailbox}' was removed: {receipt.Reason}", receipt.Mailbox);
}
