using System.Globalization;
using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that goes over all copies on storage nodes.</summary>
public abstract class CopiesRunCommand : DatabaseRunCommand
{
    /// <summary>Read every copy and compare its SHA-256.</summary>
    [Parameter]
    public SwitchParameter ReadAll { get; set; }

    /// <summary>Bytes a second at most.</summary>
    [Parameter]
    [ValidateRange(1, long.MaxValue)]
    public long? BytesPerSecond { get; set; }

    private protected void GoOver(ReplicaRepairOptions options) => UseOrStart(async (store, run) =>
    {
        ReplicaRepairRun done = await store.RepairCopiesAsync(options with { ReadBodies = ReadAll, BytesPerSecond = BytesPerSecond }, run.Progress, run.Token).ConfigureAwait(false);
        run.Write(done);
        foreach (string problem in done.Problems) run.Warning(problem);
        if (done.UnderReplicated > 0) run.Error(TooFew(done, store.Path));
    });

    /// <summary>Too few copies are a result and an error: scripts read the one, nobody overlooks the other.</summary>
    private static MessageStoreException TooFew(ReplicaRepairRun run, string database) => new(
        ErrorIds.NotEnoughCopies, ErrorKind.Damaged, string.Create(CultureInfo.InvariantCulture,
            $"{run.UnderReplicated} of {run.Messages} archived messages of {database} have too few copies{(run.Unreadable > 0 ? $", {run.Unreadable} of them none that can be read" : "")}."), database);
}
