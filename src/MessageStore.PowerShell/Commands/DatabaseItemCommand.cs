using System.Management.Automation;
using MessageStore.PowerShell.Binding;

namespace MessageStore.PowerShell.Commands;

/// <summary>A cmdlet whose pipeline carries items of a database, such as files, mailboxes or messages.</summary>
public abstract class DatabaseItemCommand : DatabaseCommand
{
    /// <summary>The database: its path, or an object that knows it.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [DatabaseArgument]
    public override string Database { get; set; } = "";
}
