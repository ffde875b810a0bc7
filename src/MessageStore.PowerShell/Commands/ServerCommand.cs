using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet about the server of a database.</summary>
public abstract class ServerCommand : StoreCommand
{
    /// <summary>The database: its path, or an object that knows it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("Path")]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public string Database { get; set; } = "";
}
