using System.Buffers.Binary;
using System.Collections.Concurrent;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// Writes the files that a stretch of a backup is unpacked to. They come one after the other; a file that several sets of a chain hold pieces of is gone on with.
/// </summary>
/// <param name="created">The files that exist already, of all stretches and sets.</param>
/// <param name="isReadNext">Whether all that is written is read again at once, so that it had better stay in memory.</param>
internal sealed class UnpackedFiles(IStorage storage, ConcurrentDictionary<string, bool> created, bool isReadNext) : IDisposable
{
    private string openPath = "";
    private IStorageFile? open;
    private DropBehind? cache;
    private long openEnd;

    /// <summary>Writes what a chunk has between two offsets of its file.</summary>
    /// <exception cref="MessageStoreException">DiskFull, AccessDenied, DeviceFailed.</exception>
    public void Write(string path, ReadOnlySpan<byte> payload, long from, long to)
    {
        long start = BinaryPrimitives.ReadInt64LittleEndian(payload[8..]);
        ReadOnlySpan<byte> body = payload[BackupWriter.ChunkHeaderSize..];
        long begin = Math.Max(start, from), end = Math.Min(start + body.Length, to);
        if (begin >= end) return;
        try
        {
            if (openPath != path)
            {
                Flush(); // the one before is complete, as far as this set goes
                open = storage.Open(path, created.TryAdd(path, true) ? FileAccessKind.CreateOrTruncate : FileAccessKind.ReadWrite);
                openPath = path;
                cache = new DropBehind(open, begin) { Keeps = isReadNext };
            }
            open!.Write(body.Slice((int)(begin - start), (int)(end - begin)), begin);
            cache!.Written(openEnd = end);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", path);
        }
    }

    /// <summary>Makes the file that was written last durable.</summary>
    /// <exception cref="MessageStoreException">DiskFull, AccessDenied, DeviceFailed.</exception>
    public void Flush()
    {
        if (open is null) return;
        try
        {
            open.Flush();
            cache!.Flushed(openEnd);
            open.Dispose();
            open = null;
            storage.FlushFolder(Path.GetDirectoryName(openPath)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "restoring", openPath);
        }
        finally
        {
            openPath = "";
        }
    }

    /// <summary>Closes what a failure has left open.</summary>
    public void Dispose() => open?.Dispose();
}
