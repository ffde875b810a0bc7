using System.Reflection;
using System.Runtime.Loader;

namespace MessageStore.IO;

/// <summary>Parts of the product that lie in assemblies of their own, because they need somebody else's: loaded only where they are asked for.</summary>
internal static class OptionalAssembly
{
    /// <summary>Makes an object of a type in one of them.</summary>
    /// <param name="component">The assembly's name, without version: it is loaded in the engine's own.</param>
    /// <param name="typeName">The type's full name.</param>
    /// <exception cref="IOException">The assembly is not there.</exception>
    /// <exception cref="BadImageFormatException">It is none.</exception>
    /// <exception cref="TypeLoadException">It has no such type.</exception>
    public static T Make<T>(string component, string typeName)
    {
        // Of the engine's own version, in the context that the engine was loaded into: the module has one of its own.
        Assembly engine = typeof(OptionalAssembly).Assembly;
        AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(engine) ?? AssemblyLoadContext.Default;
        Type type = context.LoadFromAssemblyName(new AssemblyName(engine.FullName!) { Name = component }).GetType(typeName, throwOnError: true)!;
        return (T)Activator.CreateInstance(type)!;
    }
}
