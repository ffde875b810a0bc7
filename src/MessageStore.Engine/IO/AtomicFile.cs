namespace MessageStore.IO;

/// <summary>
/// Small files that are replaced as a whole: after a crash at any moment there is the old content or the new one, never a mixture
/// and never nothing. Temporary file, flush, rename, flush folder; each step is needed, because neither bytes nor names are
/// durable before they are flushed and a rename may reach the disk before the bytes it names.
/// </summary>
internal static class AtomicFile
{
    /// <summary>Ending of the temporary file beside the real one. One left over by a crash is overwritten by the next write.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>Replaces <paramref name="path"/> durably.</summary>
    /// <exception cref="IOException">The device failed. The old content is untouched, unless the last step, the folder's flush, failed.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder or the file may not be written.</exception>
    public static void Write(IStorage storage, string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + TemporarySuffix;
        try
        {
            using IStorageFile file = storage.Open(temporary, FileAccessKind.CreateOrTruncate);
            file.Write(content, 0);
            file.Flush();
        }
        catch
        {
            TryDelete(storage, temporary);
            throw;
        }
        Commit(storage, temporary, path);
    }

    /// <summary>Replaces <paramref name="path"/> durably with what <paramref name="write"/> puts into the empty file it is given.</summary>
    /// <inheritdoc cref="Write(IStorage, string, ReadOnlySpan{byte})"/>
    public static void Write(IStorage storage, string path, Action<IStorageFile> write)
    {
        string temporary = path + TemporarySuffix;
        try
        {
            using IStorageFile file = storage.Open(temporary, FileAccessKind.CreateOrTruncate);
            write(file);
            file.Flush();
        }
        catch
        {
            TryDelete(storage, temporary);
            throw;
        }
        Commit(storage, temporary, path);
    }

    /// <summary>Reads a whole file.</summary>
    /// <param name="storage">Where it lies.</param>
    /// <param name="path">The file.</param>
    /// <param name="maximumLength">The largest length in bytes that makes sense, so that a wrong file never asks for its size in memory.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="maximumLength"/>.</exception>
    public static byte[] Read(IStorage storage, string path, int maximumLength)
    {
        using IStorageFile file = storage.Open(path, FileAccessKind.Read);
        long length = file.Length;
        if (length > maximumLength)
            throw new InvalidDataException($"{path} is {length} bytes long; at most {maximumLength} were expected.");
        var content = new byte[length];
        int read = file.ReadFully(content, 0);
        return read == length ? content : content[..read];
    }

    private static void Commit(IStorage storage, string temporary, string path)
    {
        try
        {
            storage.RenameFile(temporary, path);
        }
        catch
        {
            TryDelete(storage, temporary);
            throw;
        }
        storage.FlushFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>The error that brought us here matters more than a temporary file that the next write overwrites anyway.</summary>
    private static void TryDelete(IStorage storage, string path)
    {
        try
        {
            storage.DeleteFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
        }
    }
}
