using System.Management.Automation;

namespace MessageStore.PowerShell.Binding;

/// <summary>A parameter that takes a path of the file system, or several, relative to the current location; they become full paths.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PathArgumentAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            string { Length: > 0 } path => FilePaths.Resolve(engineIntrinsics.SessionState.Path, path),
            FileSystemInfo info => info.FullName,
            object[] several => Array.ConvertAll(several, one => Transform(engineIntrinsics, one)),
            _ => inputData,
        };
}
