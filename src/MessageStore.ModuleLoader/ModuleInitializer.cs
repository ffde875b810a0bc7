using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace MessageStore.ModuleLoader;

/// <summary>
/// Loads the module's dependencies in a load context of their own, so that a module that brings an older assembly of the same name
/// never gets ours and we never get its.
/// </summary>
public sealed class ModuleInitializer : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private static readonly AssemblyLoadContext Context = new("MessageStore");

    /// <summary>The assemblies in <c>lib/dependencies</c> by full name: a request for another version is not ours to answer.</summary>
    private static readonly Lazy<Dictionary<string, string>> Dependencies = new(Find);

    public void OnImport() => AssemblyLoadContext.Default.Resolving += Resolve;

    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Resolve;

    private static Dictionary<string, string> Find()
    {
        string folder = Path.Combine(Path.GetDirectoryName(typeof(ModuleInitializer).Assembly.Location)!, "dependencies");
        return Directory.EnumerateFiles(folder, "*.dll").ToDictionary(
            static file => AssemblyName.GetAssemblyName(file).FullName, StringComparer.OrdinalIgnoreCase);
    }

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name) =>
        Dependencies.Value.TryGetValue(name.FullName, out string? path) ? Context.LoadFromAssemblyPath(path) : null;
}
