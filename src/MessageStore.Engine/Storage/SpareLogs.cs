using System.Collections.Concurrent;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// Log and patch files that nobody needs any more, kept to be written again: their space is allocated, so that a flush has nothing but data to
/// write. Only within the life of the process; what is left of them is deleted when the group is opened next (docs/format-log.md, "Used again").
/// </summary>
/// <remarks>Thread-safe: checkpoints bring files, the committer takes them, backups and repairs hold off.</remarks>
internal sealed class SpareLogs(IStorage storage, string folder)
{
    /// <summary>Behind the name that the file had.</summary>
    public const string Extension = ".spare";

    private readonly ConcurrentQueue<(string Path, long Length)> spares = new();
    private readonly Lock retiring = new();
    private int holds;
    private long taken;

    /// <summary>Bytes that spares take.</summary>
    public long Bytes => spares.Sum(s => s.Length);

    /// <summary>How many files were used again so far.</summary>
    public long Taken => Volatile.Read(ref taken);

    /// <summary>
    /// Until it is disposed, log files that go are deleted and not kept: whoever has one open goes on reading what it held, instead of what is written into it next.
    /// </summary>
    public IDisposable Hold()
    {
        lock (retiring) holds++;
        return new Release(this);
    }

    /// <summary>
    /// Takes away the files that hold nothing later than <paramref name="lsn"/>: as spares where they are of use, or for good. Their new names are durable before this
    /// returns, so that what is written into them next is never found under the old ones.
    /// </summary>
    /// <param name="currentFirstLsn"><see cref="LogFiles.UpTo"/>.</param>
    /// <param name="shortest">Files of fewer bytes are of no use.</param>
    /// <param name="budget">Bytes that all spares together may take.</param>
    /// <exception cref="IOException">The device failed; none of the files is used again.</exception>
    public void Retire(ulong lsn, ulong currentFirstLsn, long shortest, long budget)
    {
        lock (retiring)
        {
            List<LogFile> files = LogFiles.UpTo(storage, folder, lsn, currentFirstLsn);
            if (files.Count == 0) return;
            var kept = new List<(string Path, long Length)>();
            try
            {
                long free = budget - Bytes;
                foreach (LogFile file in files)
                {
                    long length = storage.FileLength(file.Path);
                    if (holds > 0 || length < shortest || length > free)
                    {
                        storage.DeleteFile(file.Path);
                        continue;
                    }
                    kept.Add((file.Path + Extension, length));
                    storage.RenameFile(file.Path, file.Path + Extension);
                    free -= length;
                }
                storage.FlushFolder(folder);
            }
            catch
            {
                foreach ((string path, _) in kept) TryDelete(path);
                throw;
            }
            foreach ((string, long) spare in kept) spares.Enqueue(spare);
        }
    }

    /// <summary>Makes a log file out of a spare: header first, durable, and only then the name, which the caller makes durable.</summary>
    /// <param name="length">Bytes that the file has; behind the block of the header they are older content.</param>
    /// <returns><see langword="null"/> where there is none.</returns>
    /// <exception cref="IOException">The device failed; <paramref name="path"/> may be there or not.</exception>
    public IStorageFile? TryTake(string path, ReadOnlySpan<byte> header, out long length)
    {
        length = 0;
        if (!spares.TryDequeue(out (string Path, long Length) spare)) return null;
        try
        {
            Span<byte> block = stackalloc byte[LogBuffer.BlockSize];
            block.Clear();
            header.CopyTo(block);
            using (IStorageFile file = storage.Open(spare.Path, FileAccessKind.ReadWrite))
            {
                file.Write(block, 0);
                file.Flush();
            }
            storage.RenameFile(spare.Path, path);
        }
        catch
        {
            TryDelete(spare.Path);
            throw;
        }
        Volatile.Write(ref taken, taken + 1);
        length = Math.Max(spare.Length, LogBuffer.BlockSize);
        return storage.Open(path, FileAccessKind.ReadWrite);
    }

    /// <summary>Gives the space of all spares back, as far as the device lets us.</summary>
    public void Clear()
    {
        while (spares.TryDequeue(out (string Path, long Length) spare)) TryDelete(spare.Path);
    }

    /// <summary>Deletes the spares of a process that has ended. One that comes back after a loss of power is deleted by the next opening.</summary>
    public static void DeleteLeftovers(IStorage storage, string folder)
    {
        foreach (string path in storage.ListFiles(folder))
            if (path.EndsWith(Extension, StringComparison.Ordinal)) storage.DeleteFile(path);
    }

    private void TryDelete(string path)
    {
        try
        {
            storage.DeleteFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It costs space until the next opening, and nothing else: nobody takes a spare for a log.
        }
    }

    private sealed class Release(SpareLogs spares) : IDisposable
    {
        private int disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) != 0) return;
            lock (spares.retiring) spares.holds--;
        }
    }
}
