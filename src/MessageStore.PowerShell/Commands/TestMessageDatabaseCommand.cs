using System.Globalization;
using System.Management.Automation;
using System.Security;
using MessageStore.PowerShell.Binding;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Reads everything in a database, compares it with what was written, and repairs what it can.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MessageDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(DatabaseTest), typeof(MessageStoreJob))]
public sealed class TestMessageDatabaseCommand : DatabaseRunCommand
{
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(StorageGroupCompleter))]
    public string[] StorageGroup { get; set; } = [];

    [Parameter]
    public SwitchParameter Repair { get; set; }

    [Parameter]
    public SwitchParameter SkipArchive { get; set; }

    [Parameter]
    public SecureString? EncryptionKey { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    [PathArgument]
    public string? KeyFile { get; set; }

    private protected override string Activity => "Testing database";

    protected override void ProcessRecord()
    {
        // Reading needs no consent; -WhatIf with -Repair still tests, and says what is damaged without touching it.
        bool repair = Repair && ShouldProcess(Database, "Put good copies in the place of what is damaged");
        var options = new DatabaseTestOptions { StorageGroups = StorageGroup, Repair = repair, SkipArchive = SkipArchive };
        (SecureString? password, string? keyFile) = (EncryptionKey, KeyFile);
        UseOrStart(async (store, run) =>
        {
            using BackupSecret secret = BackupSecret.Open(password, keyFile);
            DatabaseTest test = await store.TestAsync(options with { BackupKey = secret.Source }, run.Progress, null, run.Token).ConfigureAwait(false);
            run.Write(test);
            if (test.Result == DatabaseTestResult.Damaged) run.Error(Damage(test));
        });
    }

    /// <summary>Damage is a result and an error: scripts read the one, nobody overlooks the other.</summary>
    private static MessageStoreException Damage(DatabaseTest test)
    {
        DatabaseFinding first = test.Findings.First(f => !f.IsRepaired);
        string where = first.Id is { } id ? $"message {id} of mailbox '{first.Mailbox}'" : first.File.Length > 0 ? first.File : first.StorageGroup;
        return new MessageStoreException(ErrorIds.DatabaseDamaged, ErrorKind.Damaged, string.Create(CultureInfo.InvariantCulture,
            $"{test.Database} has {test.Damaged - test.Repaired} findings that are not repaired; the first is {where}: {first.Problem}"), test.Database);
    }
}
