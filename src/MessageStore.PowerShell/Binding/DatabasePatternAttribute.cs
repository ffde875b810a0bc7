using System.Collections;
using System.Management.Automation;

namespace MessageStore.PowerShell.Binding;

/// <summary>A parameter that takes paths of databases with wildcards, or objects that know their database, as <see cref="DatabaseArgumentAttribute"/> does.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class DatabasePatternAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object? input = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return input is IEnumerable and not string ? ((IEnumerable)input).Cast<object?>().Select(one => Name(engineIntrinsics, one)).ToArray() : Name(engineIntrinsics, inputData)!;
    }

    private static object? Name(EngineIntrinsics engine, object? input) =>
        (input is PSObject wrapped ? wrapped.BaseObject : input) is null or string ? input : WildcardPattern.Escape(DatabaseArgumentAttribute.Resolve(engine.SessionState.Path, input)!);
}
