using System.Reflection;
using System.Runtime.Loader;

namespace MessageStore.Archiving;

/// <summary>Finds the assembly for archives on object storage, and loads it and its SDK only where a database asks for one.</summary>
internal static class ObjectArchives
{
    private const string AssemblyName = "MessageStore.ObjectStorage";
    private const string ProviderName = "MessageStore.ObjectStorage.ObjectArchiveProvider";

    /// <exception cref="MessageStoreException">ArchiveUnavailable: the assembly is not there.</exception>
    public static IObjectArchiveProvider Load()
    {
        try
        {
            // Beside the engine, in the context that the engine was loaded into: the module has one of its own.
            AssemblyLoadContext context = AssemblyLoadContext.GetLoadContext(typeof(ObjectArchives).Assembly) ?? AssemblyLoadContext.Default;
            Type provider = context.LoadFromAssemblyName(new AssemblyName(AssemblyName)).GetType(ProviderName, throwOnError: true)!;
            return (IObjectArchiveProvider)Activator.CreateInstance(provider)!;
        }
        catch (Exception error) when (error is IOException or BadImageFormatException or TypeLoadException)
        {
            throw ArchiveErrors.Unavailable("on object storage", $"{AssemblyName}.dll cannot be loaded: {error.Message}", error);
        }
    }
}
