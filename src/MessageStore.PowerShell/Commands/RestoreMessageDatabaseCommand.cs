using System.Globalization;
using System.Management.Automation;
using System.Security;
using System.Text;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Formatting;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Restores a database from a backup.</summary>
[Cmdlet(VerbsData.Restore, "MessageDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(RestoreRun), typeof(MessageStoreJob))]
public sealed class RestoreMessageDatabaseCommand : StoreCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Alias("FullName")]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    [ArgumentCompleter(typeof(BackupFileCompleter))]
    public string BackupPath { get; set; } = "";

    [Parameter(Mandatory = true, Position = 1)]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string Destination { get; set; } = "";

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? LogPath { get; set; }

    [Parameter]
    public DateTimeOffset? PointInTime { get; set; }

    [Parameter]
    public ulong? Lsn { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NewStorePath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NewLogPath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NewBackupPath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? NewArchivePath { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[] StorageGroup { get; set; } = [];

    [Parameter]
    public SecureString? EncryptionKey { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    [Parameter]
    public SwitchParameter SkipDamaged { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override string Activity => "Restoring";

    private protected override bool EndsOnError => true;

    protected override void ProcessRecord()
    {
        var options = new RestoreOptions
        {
            BackupPath = BackupPath,
            Destination = Destination,
            LogPath = LogPath,
            PointInTime = PointInTime,
            Lsn = Lsn,
            StorageGroups = StorageGroup,
            NewStorePath = NewStorePath,
            NewLogPath = NewLogPath,
            NewBackupPath = NewBackupPath,
            NewArchivePath = NewArchivePath,
            Force = Force,
            SkipDamaged = SkipDamaged,
        };
        (SecureString? password, string? keyFile) = (EncryptionKey, KeyFile);
        string? plan = null;
        if (!SkipDamaged && !Execute(Destination, async run => plan = await DescribeAsync(options, password, keyFile, run).ConfigureAwait(false))) return;
        bool replaces = Force && Directory.Exists(Destination) && Directory.EnumerateFileSystemEntries(Destination).Any();
        string action = (replaces ? "Move aside what stands there and restore the database of backup '" : "Restore the database of backup '") + BackupPath + "'";
        plan ??= $"{action} to '{Destination}', leaving out what is damaged";
        if (!ShouldProcess(plan, $"{action} to '{Destination}'?", "Confirm") || (replaces && !Confirms(action))) return;
        if (AsJob) StartJob(Destination, run => RestoreAsync(options, password, keyFile, run));
        else Execute(Destination, run => RestoreAsync(options, password, keyFile, run));
    }

    /// <summary>The plan in words: which files, in which order, how much and how long.</summary>
    private static string Describe(RestorePreview plan)
    {
        var text = new StringBuilder($"Restore {string.Join(", ", plan.StorageGroups)} to {plan.Path}");
        foreach (RestorePreviewFile file in plan.Files) text.Append(CultureInfo.CurrentCulture, $"\n  {file.Order}. {file.Part}: {file.Path}, {HumanText.Size(file.Bytes)}");
        text.Append(CultureInfo.CurrentCulture, $"\n  {HumanText.Size(plan.Bytes)} to read, {HumanText.Size(plan.NeededBytes)} of room needed, about {plan.ExpectedDuration} at {HumanText.Size((long)plan.BytesPerSecond)} a second ({plan.RateSource})");
        foreach (string folder in plan.MovedAside) text.Append(CultureInfo.CurrentCulture, $"\n  moved aside: {folder}");
        return text.ToString();
    }

    private static async Task<string> DescribeAsync(RestoreOptions options, SecureString? password, string? keyFile, Run run)
    {
        using BackupSecret secret = BackupSecret.Open(password, keyFile);
        return Describe(await MessageDatabase.PreviewRestoreAsync(options with { Key = secret.Source }, run.Token).ConfigureAwait(false));
    }

    private static async Task RestoreAsync(RestoreOptions options, SecureString? password, string? keyFile, Run run)
    {
        using BackupSecret secret = BackupSecret.Open(password, keyFile);
        RestoreRun result = await MessageDatabase.RestoreAsync(options with { Key = secret.Source }, run.Progress, run.Token).ConfigureAwait(false);
        foreach (string warning in result.Warnings) run.Warning(warning);
        run.Write(result);
    }

    /// <summary>
    /// Asks as a cmdlet of high impact does. A plain restore loses nothing and does not ask; only one that replaces something does,
    /// unless <c>-Confirm</c> or <c>$ConfirmPreference</c> already decided.
    /// </summary>
    private bool Confirms(string action)
    {
        if (MyInvocation.BoundParameters.ContainsKey("Confirm")) return true;
        bool isAskedHere = GetVariableValue("ConfirmPreference", ConfirmImpact.High) is ConfirmImpact.High;
        return !isAskedHere || ShouldContinue($"{action} at '{Destination}'?", "Confirm");
    }
}
