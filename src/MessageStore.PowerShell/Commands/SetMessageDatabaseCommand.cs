using System.Management.Automation;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>Changes what a database does by itself.</summary>
[Cmdlet(VerbsCommon.Set, "MessageDatabase", SupportsShouldProcess = true)]
[OutputType(typeof(ArchivePolicyInfo))]
public sealed class SetMessageDatabaseCommand : ArchivePolicyCommand
{
    protected override void ProcessRecord()
    {
        if (!ShouldProcess(Database, Change)) return;
        Use(Database, async (store, run) =>
        {
            ArchivePolicyInfo? now = await store.SetArchivePolicyAsync(null, Policy, Caller.Name, run.Token).ConfigureAwait(false);
            if (PassThru && now is not null) run.Write(now, store.Path);
        });
    }
}
