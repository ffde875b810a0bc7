using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet that works in a directory of storage nodes.</summary>
public abstract class NodeDirectoryCommand : StoreCommand
{
    /// <summary>The directory: the path of a file, or <c>dns:…</c>.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    [DirectoryArgument]
    public string Directory { get; set; } = "";
}
