using System.Management.Automation;

namespace MessageStore.PowerShell.Binding;

/// <summary>A parameter that takes a directory of storage nodes: the path of a file, relative to the current location, or <c>dns:…</c> as it is.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DirectoryArgumentAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) switch
        {
            string { Length: > 0 } place when !place.StartsWith("dns:", StringComparison.OrdinalIgnoreCase) => FilePaths.Resolve(engineIntrinsics.SessionState.Path, place),
            FileSystemInfo info => info.FullName,
            _ => inputData,
        };
}
