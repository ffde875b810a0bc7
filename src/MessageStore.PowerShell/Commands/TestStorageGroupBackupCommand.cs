using System.Management.Automation;
using System.Security;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Proves a backup by restoring it to scratch and comparing every message.</summary>
[Cmdlet(VerbsDiagnostic.Test, "StorageGroupBackup", DefaultParameterSetName = "Path")]
[OutputType(typeof(BackupDrill), typeof(MessageStoreJob))]
public sealed class TestStorageGroupBackupCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("BackupPath")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupFileCompleter))]
    public string[] Path { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? ScratchPath { get; set; }

    [Parameter]
    [ValidateSpan]
    public TimeSpan? TimeLimit { get; set; }

    [Parameter]
    public SecureString? EncryptionKey { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Activity => "Testing backup";

    protected override void ProcessRecord()
    {
        bool literal = ParameterSetName == "LiteralPath";
        foreach (string path in Expand(literal ? LiteralPath : Path, literal))
        {
            var options = new DrillOptions { Path = path, ScratchPath = ScratchPath, TimeLimit = TimeLimit };
            (SecureString? password, string? keyFile) = (EncryptionKey, KeyFile);
            if (AsJob) StartJob(path, run => DrillAsync(options, password, keyFile, run));
            else Execute(path, run => DrillAsync(options, password, keyFile, run));
        }
    }

    /// <summary>A drill that did not end with Verified is a result and an error: scripts read the one, nobody overlooks the other.</summary>
    private static async Task DrillAsync(DrillOptions options, SecureString? password, string? keyFile, Run run)
    {
        using BackupSecret secret = BackupSecret.Open(password, keyFile);
        BackupDrill drill = await MessageDatabase.TestBackupAsync(options with { Key = secret.Source }, run.Progress, run.Token).ConfigureAwait(false);
        run.Write(drill);
        if (drill.Result == DrillResult.Verified) return;
        bool failed = drill.Result == DrillResult.Failed;
        run.Error(new MessageStoreException(
            failed ? ErrorIds.BackupFailed : ErrorIds.DrillInconclusive,
            failed ? ErrorKind.Damaged : ErrorKind.Device,
            $"The drill of '{drill.Path}' {(failed ? "failed" : "was inconclusive")}: {drill.Reason}",
            drill.Path));
    }
}
