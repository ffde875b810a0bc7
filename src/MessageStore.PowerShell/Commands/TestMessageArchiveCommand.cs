using System.Globalization;
using System.Management.Automation;
using MessageStore.PowerShell.Completion;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Compares the archive with the keys and the keys with the archive, and makes keys anew.</summary>
[Cmdlet(VerbsDiagnostic.Test, "MessageArchive", SupportsShouldProcess = true)]
[OutputType(typeof(ArchiveTest), typeof(MessageStoreJob))]
public sealed class TestMessageArchiveCommand : DatabaseRunCommand
{
    private bool rebuilds;

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(MailboxCompleter))]
    public string[] Mailbox { get; set; } = [];

    [Parameter]
    public SwitchParameter Rebuild { get; set; }

    private protected override string Activity => "Testing archive";

    /// <summary>A database whose keys are lost does not open; to make them anew it must.</summary>
    private protected override Task<IMessageStore> OpenAsync(string path, CancellationToken token) =>
        rebuilds ? MessageDatabase.OpenWithoutKeysAsync(path, token) : base.OpenAsync(path, token);

    protected override void ProcessRecord()
    {
        // Reading needs no consent; -WhatIf with -Rebuild still tests, and changes nothing.
        rebuilds = Rebuild && ShouldProcess(Database, "Make the keys of the archive anew where they are missing");
        var options = new ArchiveTestOptions { Mailboxes = Mailbox, Rebuild = rebuilds };
        UseOrStart(async (store, run) =>
        {
            ArchiveTest test = await store.TestArchiveAsync(options, run.Progress, null, run.Token).ConfigureAwait(false);
            run.Write(test);
            foreach (ArchiveFinding finding in test.Findings.Where(static f => !f.IsRepaired && !f.IsHarmless)) run.Error(Damage(finding));
            if (test.FindingCount > test.Findings.Count) run.Warning($"{test.FindingCount - test.Findings.Count} more findings are not listed.");
        });
    }

    private static MessageStoreException Damage(ArchiveFinding finding) => new(ErrorIds.ArchiveDamaged, ErrorKind.Damaged, string.Create(CultureInfo.InvariantCulture,
        $"{finding.File}{(finding.Offset is { } offset ? $" at offset {offset}" : "")}: {finding.Problem}"), finding.File);
}
