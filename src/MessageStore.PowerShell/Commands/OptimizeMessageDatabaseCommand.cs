using System.Globalization;
using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Formatting;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Gives the space of archived and deleted messages back to the disk while everybody else goes on.</summary>
[Cmdlet(VerbsCommon.Optimize, "MessageDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(StorageGroupOptimization), typeof(MessageStoreJob))]
public sealed class OptimizeMessageDatabaseCommand : DatabaseRunCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(StorageGroupCompleter))]
    public string[] StorageGroup { get; set; } = [];

    [Parameter]
    [ValidateRange(0.0, 1.0)]
    public double MinimumDeadShare { get; set; } = 0.5;

    private protected override string Activity => "Compacting";

    /// <summary>Whether <c>-WhatIf</c> or <c>$WhatIfPreference</c> asks for words instead of deeds.</summary>
    private bool IsPreview => MyInvocation.BoundParameters.TryGetValue("WhatIf", out object? whatIf)
        ? LanguagePrimitives.IsTrue(whatIf)
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference", false));

    protected override void ProcessRecord()
    {
        var options = new OptimizeOptions { StorageGroups = StorageGroup, MinimumDeadShare = MinimumDeadShare };
        if (IsPreview)
        {
            Preview(options with { DryRun = true });
            return;
        }

        string groups = StorageGroup.Length == 0 ? "all storage groups" : "storage groups " + string.Join(", ", StorageGroup);
        if (!ShouldProcess(Database, "Compact " + groups)) return;
        UseOrStart(async (store, run) =>
        {
            await foreach (StorageGroupOptimization done in store.OptimizeAsync(options, run.Progress, run.Token).ConfigureAwait(false))
            {
                run.Write(done, store.Path);
                if (done.Reason.Length > 0) run.Error(Failure(done, store.Path));
                if (done.Damaged > 0) run.Error(Damage(done, store.Path));
            }
        });
    }

    /// <summary>Says for each group what would be freed.</summary>
    private void Preview(OptimizeOptions options)
    {
        var found = new List<StorageGroupOptimization>();
        Use(Database, async (store, run) =>
        {
            await foreach (StorageGroupOptimization group in store.OptimizeAsync(options, run.Progress, run.Token).ConfigureAwait(false)) found.Add(group);
        });
        foreach (StorageGroupOptimization group in found)
        {
            string action = $"Rewrite {group.SegmentsRewritten} segments and free {HumanText.Size(group.BytesFreed)}";
            ShouldProcess($"{Database}, storage group {group.StorageGroup}", action);
            WriteObject(Run.Tag(group, Database));
        }
    }

    private static MessageStoreException Failure(StorageGroupOptimization done, string database) => new(
        ErrorIds.OptimizeFailed, ErrorKind.Device, $"Storage group {done.StorageGroup} of {database} was not compacted: {done.Reason}", done.StorageGroup);

    private static MessageStoreException Damage(StorageGroupOptimization done, string database) => new(
        ErrorIds.DatabaseDamaged, ErrorKind.Damaged,
        string.Create(CultureInfo.InvariantCulture, $"{done.Damaged} messages of storage group {done.StorageGroup} in {database} are damaged and were left where they are. Find and repair them with Test-MessageDatabase -Repair."),
        done.StorageGroup);
}
