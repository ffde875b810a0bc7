using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>
/// Records of one mailbox and storage date, packed and ready to be appended to a target with one write and one flush. Memory is bounded by whoever fills it:
/// append and clear when <see cref="MemoryLength"/> has grown large enough. Not thread-safe.
/// </summary>
internal sealed class ArchiveBatch(ArchiveRecordWriter writer) : IDisposable
{
    private const int CopyBlockSize = 1 << 20;

    private readonly PooledBuffer buffer = new(CopyBlockSize);
    private readonly List<ArchivedRecordInfo> records = [];
    private readonly List<(int At, SpoolFile File)> spools = [];

    /// <summary>The records in order, with offsets from the start of the batch.</summary>
    public IReadOnlyList<ArchivedRecordInfo> Records => records;

    /// <summary>Length of all records in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>How much of that lies in memory.</summary>
    public int MemoryLength => buffer.Length;

    /// <summary>Packs one more message.</summary>
    /// <inheritdoc cref="ArchiveRecordWriter.Write"/>
    public void Add(ArchiveEntry message)
    {
        ArchivedRecordInfo info = writer.Write(message, buffer, out SpoolFile? spool, out int spoolAt);
        if (spool is not null) spools.Add((spoolAt, spool));
        records.Add(info with { Offset = Length });
        Length += info.Length;
    }

    /// <summary>Hands out all records, one after the other, in blocks.</summary>
    public void CopyTo(Action<ReadOnlyMemory<byte>> write)
    {
        int done = 0;
        foreach ((int at, SpoolFile file) in spools)
        {
            write(buffer.Memory[done..at]);
            done = at;
            CopySpool(file.File, write);
        }
        if (done < buffer.Length) write(buffer.Memory[done..]);
    }

    /// <summary>The same for whoever takes the blocks over a network.</summary>
    public async ValueTask CopyToAsync(Func<ReadOnlyMemory<byte>, ValueTask> write)
    {
        int done = 0;
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        try
        {
            foreach ((int at, SpoolFile spool) in spools)
            {
                if (at > done) await write(buffer.Memory[done..at]).ConfigureAwait(false);
                done = at;
                int read;
                for (long from = 0; (read = spool.File.ReadFully(block, from)) > 0; from += read) await write(block.AsMemory(0, read)).ConfigureAwait(false);
            }
            if (done < buffer.Length) await write(buffer.Memory[done..]).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>Empties it for the next records; the memory stays.</summary>
    public void Clear()
    {
        foreach ((_, SpoolFile file) in spools) file.Dispose();
        spools.Clear();
        records.Clear();
        buffer.Truncate(0);
        Length = 0;
    }

    public void Dispose()
    {
        Clear();
        buffer.Dispose();
    }

    private static void CopySpool(IStorageFile file, Action<ReadOnlyMemory<byte>> write)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        try
        {
            int read;
            for (long at = 0; (read = file.ReadFully(block, at)) > 0; at += read) write(block.AsMemory(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
