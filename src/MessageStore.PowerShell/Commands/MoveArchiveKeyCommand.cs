using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Moves a database's archive keys to PostgreSQL or back into the database folder.</summary>
[Cmdlet(VerbsCommon.Move, "ArchiveKey", SupportsShouldProcess = true)]
[OutputType(typeof(KeyMove), typeof(MessageStoreJob))]
public sealed class MoveArchiveKeyCommand : DatabaseRunCommand
{
    [Parameter(Mandatory = true, Position = 1)]
    public KeyManagerKind To { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? ConnectionFile { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override string Activity => "Moving archive keys";

    protected override void ProcessRecord()
    {
        string action = $"Move the archive keys {(To == KeyManagerKind.Embedded ? "into the database folder" : "to PostgreSQL")}{(Force ? ", replacing what it holds of this database" : "")}";
        if (!ShouldProcess(Database, action)) return;
        var options = new KeyMoveOptions { To = To, ConnectionFile = ConnectionFile, Replace = Force };
        UseOrStart(async (store, run) =>
        {
            KeyMove moved = await store.MoveKeysAsync(options, run.Progress, run.Token).ConfigureAwait(false);
            run.Write(moved, store.Path);
            if (moved.Note.Length > 0) run.Warning(moved.Note);
        });
    }
}
