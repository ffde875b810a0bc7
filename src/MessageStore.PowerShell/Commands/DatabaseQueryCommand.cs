using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet whose pipeline carries databases.</summary>
public abstract class DatabaseQueryCommand : DatabaseCommand
{
    /// <summary>The database: its path, or an object that knows it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Path")]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public override string Database { get; set; } = "";
}
