using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Completion;

/// <summary>
/// Completes names that lie in the database of the command line. A database that does not open within <see cref="Patience"/>, or at
/// all, gives no names: completion never shows an error and never makes anyone wait.
/// </summary>
public abstract class StoreCompleter : IArgumentCompleter
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            string word = wordToComplete.Trim('\'', '"');
            var pattern = new WildcardPattern(WildcardPattern.Escape(word) + "*", WildcardOptions.IgnoreCase);
            string? database = DatabaseArgumentAttribute.Resolve(CurrentPaths(), fakeBoundParameters["Database"]);
            if (database is null) return [];
            string? mailbox = fakeBoundParameters["Mailbox"]?.ToString();
            return [.. Read(database, mailbox).Where(pattern.IsMatch).Select(Result)];
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return [];
        }
    }

    /// <summary>All names there are.</summary>
    private protected abstract Task<List<string>> ReadAsync(IMessageStore store, string? mailbox, CancellationToken token);

    /// <summary>The paths of the session that completes; a completer is handed no session state of its own.</summary>
    private static PathIntrinsics CurrentPaths()
    {
        using var shell = System.Management.Automation.PowerShell.Create(RunspaceMode.CurrentRunspace);
        return (PathIntrinsics)shell.AddScript("$ExecutionContext.SessionState.Path", useLocalScope: true).Invoke()[0].BaseObject;
    }

    private List<string> Read(string database, string? mailbox)
    {
        var patience = new CancellationTokenSource(Patience);
        Task<List<string>> names = Task.Run(async () =>
        {
            IMessageStore store = await MessageDatabase.OpenAsync(database, patience.Token).ConfigureAwait(false);
            await using (store.ConfigureAwait(false)) return await ReadAsync(store, mailbox, patience.Token).ConfigureAwait(false);
        });
        Task.WhenAny(names, Task.Delay(Patience)).GetAwaiter().GetResult();
        return names.IsCompletedSuccessfully ? names.Result : [];
    }

    private static CompletionResult Result(string name)
    {
        bool plain = name.All(static c => char.IsLetterOrDigit(c) || c is '.' or '_' or '-' or '/') && name.Length > 0 && name[0] != '-';
        return new CompletionResult(
            plain ? name : "'" + name.Replace("'", "''", StringComparison.Ordinal) + "'", name, CompletionResultType.ParameterValue, name);
    }
}
