using System.Management.Automation;
using System.Security;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Takes messages straight from a backup, into a database that is in use or into .eml files.</summary>
[Cmdlet(VerbsData.Restore, "StoredMessage", SupportsShouldProcess = true, DefaultParameterSetName = "Database")]
[OutputType(typeof(MessageRestore))]
public sealed class RestoreStoredMessageCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    [ArgumentCompleter(typeof(BackupFileCompleter))]
    public string BackupPath { get; set; } = "";

    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "Database")]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string Database { get; set; } = "";

    [Parameter(Mandatory = true, ParameterSetName = "Destination")]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string Destination { get; set; } = "";

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string? Mailbox { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FolderCompleter))]
    public string? Folder { get; set; }

    [Parameter]
    public DateTimeOffset? ReceivedAfter { get; set; }

    [Parameter]
    public DateTimeOffset? ReceivedBefore { get; set; }

    [Parameter]
    public SecureString? EncryptionKey { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter(ParameterSetName = "Destination")]
    public SwitchParameter Force { get; set; }

    private protected override string Activity => "Restoring messages";

    protected override void ProcessRecord()
    {
        bool toFiles = ParameterSetName == "Destination";
        string target = toFiles ? Destination : Database;
        if (!ShouldProcess(target, $"Restore messages of backup '{BackupPath}'")) return;
        var options = new MessageRestoreOptions
        {
            BackupPath = BackupPath,
            Ids = Id,
            Mailbox = Mailbox,
            Folder = Folder,
            ReceivedAfter = ReceivedAfter,
            ReceivedBefore = ReceivedBefore,
        };
        bool force = Force;
        Execute(target, async run =>
        {
            using BackupSecret secret = BackupSecret.Open(EncryptionKey, KeyFile);
            MessageRestoreOptions asked = options with { Key = secret.Source };
            if (toFiles)
            {
                await ShowAsync(MessageDatabase.ExtractMessagesAsync(asked, target, force, run.Progress, run.Token), run, null).ConfigureAwait(false);
                return;
            }

            IMessageStore store = await MessageDatabase.OpenAsync(target, run.Token).ConfigureAwait(false);
            await using (store.ConfigureAwait(false)) await ShowAsync(store.RestoreMessagesAsync(asked, run.Progress, run.Token), run, store.Path).ConfigureAwait(false);
        });
    }

    private static async Task ShowAsync(IAsyncEnumerable<MessageRestore> results, Run run, string? database)
    {
        await foreach (MessageRestore result in results.ConfigureAwait(false))
        {
            if (database is null) run.Write(result);
            else run.Write(result, database);
            if (result.Result == MessageRestoreResult.Failed)
                run.Error(new MessageStoreException(ErrorIds.RestoreFailed, ErrorKind.Damaged, $"Message {result.Id} was not restored: {result.Reason}", result.Id));
        }
    }
}
