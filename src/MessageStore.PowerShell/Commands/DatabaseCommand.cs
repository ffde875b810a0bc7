using MessageStore.PowerShell.Hosting;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that works in a database.</summary>
public abstract class DatabaseCommand : StoreCommand
{
    private readonly StoreSessions sessions = new();
    private bool databaseIsFixed;

    /// <summary>The full path of the database.</summary>
    public abstract string Database { get; set; }

    protected override void BeginProcessing() => databaseIsFixed = MyInvocation.BoundParameters.ContainsKey(nameof(Database));

    protected override void EndProcessing() => sessions.Dispose();

    protected override void Dispose(bool disposing)
    {
        if (disposing) sessions.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Opens the database for what the cmdlet is about to do in it.</summary>
    private protected virtual Task<IMessageStore> OpenAsync(string path, CancellationToken token) => MessageDatabase.OpenAsync(path, token);

    /// <summary>
    /// Runs work in the database. A database that was named on the command line and cannot be opened ends the cmdlet: no other item
    /// could fare better. Trouble with an item does not.
    /// </summary>
    /// <returns>Whether the work ended well.</returns>
    private protected bool Use(object? target, Func<IMessageStore, Run, Task> work)
    {
        bool opened = false;
        string database = Database;
        return Execute(target, EndsHere, async run =>
        {
            IMessageStore store = await sessions.OpenAsync(database, OpenAsync, run.Token).ConfigureAwait(false);
            opened = true;
            await work(store, run).ConfigureAwait(false);
        });

        bool EndsHere() => databaseIsFixed && (EndsOnError || !opened);
    }
}
