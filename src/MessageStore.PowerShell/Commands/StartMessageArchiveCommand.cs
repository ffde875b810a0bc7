using System.Management.Automation;
using MessageStore.PowerShell.Formatting;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Runs the Archive Agent.</summary>
[Cmdlet(VerbsLifecycle.Start, "MessageArchive", SupportsShouldProcess = true)]
[OutputType(typeof(ArchiveRun), typeof(MessageStoreJob))]
public sealed class StartMessageArchiveCommand : ArchiveRunCommand
{
    private bool previews;

    [Parameter]
    public ArchivePriority Priority { get; set; }

    private protected override string Activity => "Archiving";

    /// <summary>Whether <c>-WhatIf</c> or <c>$WhatIfPreference</c> asks for words instead of deeds.</summary>
    private bool IsPreview => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? whatIf)
        ? LanguagePrimitives.IsTrue(whatIf)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference", false));

    /// <summary>Where another run keeps the database from us, that run is the error.</summary>
    private protected override Task<IMessageStore> OpenAsync(string path, CancellationToken token) => previews
        ? base.OpenAsync(path, token)
        : MessageDatabase.OpenForMaintenanceAsync(path, MaintenanceTask.Archive, token);

    protected override void ProcessRecord()
    {
        previews = IsPreview;
        if (previews)
        {
            Preview();
            return;
        }

        if (!ShouldProcess(Database, "Archive messages")) return;
        ArchiveOptions options = ArchiveOptions(dryRun: false) with { Priority = Priority };
        UseOrStart(async (store, run) =>
        {
            ArchiveRun result = await store.ArchiveAsync(options, run.Progress, run.Token).ConfigureAwait(false);
            run.Write(result);
            if (result.Note.Length > 0 && result.Limit is null) run.Warning(result.Note);
            foreach (ArchiveReceipt receipt in result.Receipts.Where(static receipt => receipt.Failed > 0)) run.Error(Failure(receipt));
        });
    }

    /// <summary>Finds and counts, and says for each mailbox what a run would move.</summary>
    private void Preview()
    {
        ArchiveOptions options = ArchiveOptions(dryRun: true);
        ArchiveRun? found = null;
        Use(Database, async (store, run) =>
            found = await store.ArchiveAsync(options, run.Progress, run.Token).ConfigureAwait(false));
        if (found is null) return;
        foreach (ArchiveReceipt receipt in found.Receipts)
        {
            ShouldProcess(receipt.Mailbox, $"Archive {receipt.Matched} messages ({HumanText.Size(receipt.Bytes)})");
        }

        if (found.Receipts.Count == 0) ShouldProcess(Database, "Archive 0 messages");
        WriteObject(found);
    }

    internal static MessageStoreException Failure(ArchiveReceipt receipt) => new(
        ErrorIds.ArchiveFailed,
        ErrorKind.Device,
        $"{receipt.Failed} messages of mailbox '{receipt.Mailbox}' were not archived: {receipt.Reason}",
        receipt.Mailbox);
}
