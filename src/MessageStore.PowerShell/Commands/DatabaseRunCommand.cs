using System.Management.Automation;
using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that starts a long run in a database and waits for its result, or returns a job.</summary>
public abstract class DatabaseRunCommand : DatabaseQueryCommand
{
    /// <summary>Return a job at once instead of the result at the end.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool EndsOnError => true;

    /// <summary>Runs the work here, or starts it as a job with a handle of its own on the database.</summary>
    private protected void UseOrStart(Func<IMessageStore, Run, Task> work)
    {
        if (!AsJob)
        {
            Use(Database, work);
            return;
        }

        string database = Database;
        StartJob(database, async run =>
        {
            IMessageStore store = await OpenAsync(database, run.Token).ConfigureAwait(false);
            await using (store.ConfigureAwait(false)) await work(store, run).ConfigureAwait(false);
        });
    }
}
