using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>The settings file of a key manager, <c>keys.json</c>.</summary>
/// <param name="Format">Version of the journal's format.</param>
/// <param name="Salt">Seeds every checksum in the journal.</param>
internal sealed record KeySettings(int Format, uint Salt)
{
    /// <summary>The newest format that this code reads, and the one it writes.</summary>
    public const int CurrentFormat = 1;

    public const string FileName = "keys.json";

    private const int MaximumLength = 64 << 10;

    public static string PathIn(string folder) => Path.Combine(folder, FileName);

    public void Save(IStorage storage, string folder) =>
        AtomicFile.Write(storage, PathIn(folder), JsonSerializer.SerializeToUtf8Bytes(this));

    /// <exception cref="MessageStoreException">KeysDamaged: missing or no settings; DatabaseFormatTooNew.</exception>
    public static KeySettings Load(IStorage storage, string folder)
    {
        string path = PathIn(folder);
        KeySettings? settings;
        try
        {
            settings = JsonSerializer.Deserialize<KeySettings>(AtomicFile.Read(storage, path, MaximumLength));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Damaged($"{path} is missing. Without it the key journal cannot be read; rebuild the keys from the archive files.", error);
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            throw Damaged($"{path} is damaged: {error.Message} Rebuild the keys from the archive files.", error);
        }
        if (settings is null or { Format: < 1 }) throw Damaged($"{path} names no format. Rebuild the keys from the archive files.", null);
        if (settings.Format > CurrentFormat)
        {
            throw new MessageStoreException(
                ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported,
                $"{path} is of format {settings.Format}; this version reads up to {CurrentFormat}. Use a newer version.", path);
        }
        return settings;

        MessageStoreException Damaged(string message, Exception? inner) =>
            new(ErrorIds.KeysDamaged, ErrorKind.Damaged, message, path, inner);
    }
}
