using System.Globalization;

namespace MessageStore.IO;

/// <summary>A temporary file for what is too large for memory. Never flushed: it need not outlive the process. Deleted on disposal.</summary>
internal sealed class SpoolFile : IDisposable
{
    /// <summary>Ending of spool files, so that an opening database can delete those of a process that died.</summary>
    public const string Suffix = ".spool";

    private static long counter;
    private readonly IStorage storage;

    /// <param name="storage">Where it lies.</param>
    /// <param name="folder">The folder for it; it must exist.</param>
    public SpoolFile(IStorage storage, string folder)
    {
        this.storage = storage;
        string name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref counter)}{Suffix}");
        File = storage.Open(Path.Combine(folder, name), FileAccessKind.CreateOrTruncate);
    }

    public IStorageFile File { get; }

    public void Dispose()
    {
        File.Dispose();
        try
        {
            storage.DeleteFile(File.Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It holds nothing that is needed, and the next opening clears it away.
        }
    }
}
