using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// Loads the module's dependencies in a load context of their own, so that a module that brings an older assembly of the same name
/// never gets ours and we never get its.
/// </summary>
public sealed class ModuleInitializer : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private static readonly AssemblyLoadContext Context = new("MessageStore");

    private static readonly string Dependencies =
        Path.Combine(Path.GetDirectoryName(typeof(ModuleInitializer).Assembly.Location)!, "dependencies");

    public void OnImport() => AssemblyLoadContext.Default.Resolving += Resolve;

    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Resolve;

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name)
    {
        string path = Path.Combine(Dependencies, name.Name + ".dll");
        return name.Name is not null && File.Exists(path) ? Context.LoadFromAssemblyPath(path) : null;
    }
}
