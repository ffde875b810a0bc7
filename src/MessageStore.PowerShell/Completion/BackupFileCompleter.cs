using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace MessageStore.PowerShell.Completion;

/// <summary>Completes folders and backup files (<c>*.msbackup</c>), newest first.</summary>
public sealed class BackupFileCompleter : IArgumentCompleter
{
    private const string Extension = ".msbackup";

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return CompletionCompleters.CompleteFilename(wordToComplete)
                .Where(static file => file.ResultType == CompletionResultType.ProviderContainer
                    || file.ListItemText.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
                .OrderBy(static file => file.ResultType == CompletionResultType.ProviderContainer)
                .ThenByDescending(static file => file.ResultType == CompletionResultType.ProviderContainer
                    ? default
                    : File.GetLastWriteTimeUtc(file.ToolTip));
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return [];
        }
    }
}
