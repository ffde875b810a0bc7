using System.Text.Json;

namespace MessageStore.IO;

/// <summary>
/// Exchanges folders on several devices, all or none: what is to be done is written down first, in one small file, and whoever finds that file ends what it says.
/// A rename is atomic only by itself.
/// </summary>
/// <param name="Format">Version of the file.</param>
/// <param name="Exchanges">What to do, in order.</param>
internal sealed record FolderSwap(int Format, IReadOnlyList<FolderExchange> Exchanges)
{
    /// <summary>Ending of the file's name.</summary>
    public const string Extension = ".swap";

    private const int CurrentFormat = 1;
    private const int LargestFile = 16 << 20;

    /// <summary>Exchanges folders. From the moment on which the file is durable the new ones count, whatever happens.</summary>
    /// <param name="storage">The disks.</param>
    /// <param name="path">The file that says so, in a folder that none of the exchanges touches.</param>
    /// <param name="exchanges">All new folders must be durable with all that is in them.</param>
    public static void Run(IStorage storage, string path, IReadOnlyList<FolderExchange> exchanges)
    {
        AtomicFile.Write(storage, path, JsonSerializer.SerializeToUtf8Bytes(new FolderSwap(CurrentFormat, exchanges)));
        Complete(storage, path);
    }

    /// <summary>Ends an exchange that was interrupted; does nothing where there was none.</summary>
    /// <exception cref="MessageStoreException">DatabaseDamaged: the file is there and cannot be read.</exception>
    public static void Complete(IStorage storage, string path)
    {
        if (!storage.FileExists(path)) return;
        storage.FlushFolder(Path.GetDirectoryName(path)!); // whoever wrote it may have failed in just that
        foreach (FolderExchange exchange in Load(storage, path).Exchanges) exchange.Run(storage);
        storage.DeleteFile(path);
        storage.FlushFolder(Path.GetDirectoryName(path)!);
    }

    private static FolderSwap Load(IStorage storage, string path)
    {
        try
        {
            FolderSwap? swap = JsonSerializer.Deserialize<FolderSwap>(AtomicFile.Read(storage, path, LargestFile));
            if (swap is { Format: CurrentFormat, Exchanges: not null }) return swap;
            throw new MessageStoreException(ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported, $"{path} has format {swap?.Format}; this version reads format {CurrentFormat}. Use a newer MessageStore.", path);
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            throw new MessageStoreException(ErrorIds.DatabaseDamaged, ErrorKind.Damaged,
                $"{path} says which folders a restore was exchanging, and cannot be read: {error.Message} Restore the database again.", path, error);
        }
    }
}
