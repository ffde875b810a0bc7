using System.Management.Automation;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;

namespace MessageStore.PowerShell.Commands;

/// <summary>Lists backup files, newest first.</summary>
[Cmdlet(VerbsCommon.Get, "StorageGroupBackup", DefaultParameterSetName = "Database")]
[OutputType(typeof(BackupInfo))]
public sealed class GetStorageGroupBackupCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Database", ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string Database { get; set; } = "";

    [Parameter(Mandatory = true, ParameterSetName = "Path")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupFileCompleter))]
    public string[] Path { get; set; } = [];

    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    protected override void ProcessRecord()
    {
        if (ParameterSetName == "Database")
        {
            Execute(Database, async run =>
            {
                IMessageStore store = await MessageDatabase.OpenAsync(Database, run.Token).ConfigureAwait(false);
                await using (store.ConfigureAwait(false))
                {
                    await foreach (BackupInfo backup in store.ListBackupsAsync(null, run.Token).ConfigureAwait(false)) run.Write(backup);
                }
            });
            return;
        }

        bool literal = ParameterSetName == "LiteralPath";
        foreach (string path in Expand(literal ? LiteralPath : Path, literal))
        {
            Execute(path, run =>
            {
                foreach (BackupInfo backup in MessageDatabase.ListBackups(path)) run.Write(backup);
                return Task.CompletedTask;
            });
        }
    }
}
