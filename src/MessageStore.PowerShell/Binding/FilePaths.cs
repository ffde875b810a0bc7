using System.Management.Automation;

namespace MessageStore.PowerShell.Binding;

/// <summary>Turns what people write as a path into a full path of the file system: relative paths, PSPaths and drives such as TestDrive:.</summary>
internal static class FilePaths
{
    private const string FileSystem = "FileSystem";

    /// <summary>The full path; the path itself need not exist and wildcards mean themselves.</summary>
    /// <exception cref="ArgumentTransformationMetadataException">The path lies on a drive that is no file system.</exception>
    public static string Resolve(PathIntrinsics paths, string path)
    {
        string full = paths.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
        if (provider.Name != FileSystem)
        {
            throw new ArgumentTransformationMetadataException($"'{path}' is a path of {provider.Name}, not of the file system.");
        }

        return full.Length > 1 ? Path.TrimEndingDirectorySeparator(full) : full;
    }

    /// <summary>The full paths that a path with wildcards stands for; a path without wildcards stands for itself.</summary>
    /// <exception cref="MessageStoreException">PathNotFound: nothing matches the wildcards.</exception>
    public static IEnumerable<string> Expand(PathIntrinsics paths, string path, bool literal)
    {
        if (literal || !WildcardPattern.ContainsWildcardCharacters(path)) return [Resolve(paths, path)];
        try
        {
            var found = paths.GetResolvedProviderPathFromPSPath(path, out ProviderInfo provider);
            if (provider.Name == FileSystem && found.Count > 0) return found;
        }
        catch (ItemNotFoundException)
        {
        }

        throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"Nothing matches the path '{path}'.", path);
    }
}
