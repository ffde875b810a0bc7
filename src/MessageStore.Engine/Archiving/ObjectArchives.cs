using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>Finds the assembly for archives on object storage, and loads it and its SDK only where a database asks for one.</summary>
internal static class ObjectArchives
{
    /// <summary>The name that keys have for this kind of place.</summary>
    public const string TargetName = "objects";

    private const string Component = "MessageStore.ObjectStorage";
    private const string ProviderName = Component + ".ObjectArchiveProvider";

    /// <summary>Sets up what a database's settings say. What is wrong there is said to whoever needs the archive, and keeps nobody from current mail.</summary>
    public static IArchiveTarget Open(ObjectSettings settings, Guid databaseId, IKeyManager keys, IStorage storage, string spoolFolder, TimeProvider time)
    {
        try
        {
            return Load().Open(settings, databaseId, keys, storage, spoolFolder, time);
        }
        catch (MessageStoreException error)
        {
            return new UnavailableTarget(TargetName, error);
        }
    }

    /// <summary>Mail does not go over a network that everybody can listen to.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter: the endpoint is no URL of HTTPS, nor of HTTP on this machine.</exception>
    public static void Check(ObjectSettings settings)
    {
        if (settings.Endpoint is not { } endpoint) return;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp))
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"'{endpoint}' is no URL of an object storage. Name it as https://s3.example.org.", endpoint);
        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Mail would go to {endpoint} unencrypted. Use HTTPS; HTTP is for this machine alone.", endpoint);
    }

    /// <exception cref="MessageStoreException">ArchiveUnavailable: the assembly is not there.</exception>
    public static IObjectArchiveProvider Load()
    {
        try
        {
            return OptionalAssembly.Make<IObjectArchiveProvider>(Component, ProviderName);
        }
        catch (Exception error) when (error is IOException or BadImageFormatException or TypeLoadException)
        {
            throw ArchiveErrors.Unavailable("on object storage", $"{Component}.dll cannot be loaded: {error.Message}", error);
        }
    }
}
