using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace MessageStore.Server.Tests.Support;

/// <summary>A store whose every member does what a test says.</summary>
[SuppressMessage("Performance", "CA1852", Justification = "DispatchProxy derives from it.")]
internal class ScriptedStore : DispatchProxy
{
    /// <summary>Gets the member and its arguments, and returns what the member returns.</summary>
    public Func<MethodInfo, object?[], object?> Act { get; set; } = (_, _) => throw new NotSupportedException();

    public static IMessageStore Create(Func<MethodInfo, object?[], object?> act)
    {
        IMessageStore store = Create<IMessageStore, ScriptedStore>();
        ((ScriptedStore)(object)store).Act = act;
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Act(targetMethod!, args ?? []);
}
