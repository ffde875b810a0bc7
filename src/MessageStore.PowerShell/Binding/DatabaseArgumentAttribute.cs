using System.Management.Automation;

namespace MessageStore.PowerShell.Binding;

/// <summary>
/// A parameter that names a database: by its path, or by any object that knows it in a property <c>Database</c> or <c>Path</c>, such as
/// the result of <c>Get-MessageDatabase</c>, a mailbox or a message. It becomes the full path of the database.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DatabaseArgumentAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        Resolve(engineIntrinsics.SessionState.Path, inputData) ?? inputData;

    /// <summary>The full path, or <see langword="null"/> for an empty argument, which validation refuses.</summary>
    internal static string? Resolve(PathIntrinsics paths, object? input)
    {
        switch (input is PSObject wrapped ? wrapped.BaseObject : input)
        {
            case null or "":
                return null;
            case string path:
                return FilePaths.Resolve(paths, path);
            case FileSystemInfo info:
                return info.FullName;
        }

        PSObject value = PSObject.AsPSObject(input);
        object? inner = value.Properties["Database"]?.Value ?? value.Properties["Path"]?.Value;
        return (inner is PSObject named ? named.BaseObject : inner) is string { Length: > 0 } name
            ? FilePaths.Resolve(paths, name)
            : throw new ArgumentTransformationMetadataException(
                $"A database is named by its path or by an object with a property Database or Path, not by '{value}'.");
    }
}
