using System.Buffers.Binary;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>
/// Writes a run, front to back, with two buffers of memory: Ids, then terms in the order of their bytes, each with its messages in order (docs/format-search.md).
/// </summary>
internal sealed class RunWriter : IDisposable
{
    private readonly SnapshotFrameWriter frames;
    private readonly PooledBuffer ids = new(RunFormat.IdsPerFrame * RunFormat.IdSize);
    private readonly PooledBuffer block = new(2 * RunFormat.BlockLength);
    private readonly PooledBuffer chunk = new(2 * RunFormat.ChunkLength);
    private readonly PooledBuffer directory = new(64 << 10);
    private readonly List<byte[]> directories = [];
    private readonly byte[] term = new byte[TermTable.TermLimit];
    private readonly byte[] previous = new byte[TermTable.TermLimit];
    private readonly byte[] blockTerm = new byte[TermTable.TermLimit];
    private readonly byte[] directoryTerm = new byte[TermTable.TermLimit];
    private int termLength, previousLength, blockTermLength, directoryTermLength;
    private int chunkCount, chunkFirst, chunkLast, blockFirst;
    private long previousBlock;
    private long documents, termCount, postings;

    public RunWriter(IStorageFile file, GroupIdentity identity, int last, long time)
    {
        frames = new SnapshotFrameWriter(file, identity.Salt, (ulong)last, time);
        frames.WriteRaw(new GroupFileHeader(GroupFileKind.SearchRun, identity, (ulong)last).Encode((ulong)last, time));
    }

    /// <summary>Says whose the next document is; all Ids come before the first term.</summary>
    public void AddId(UInt128Bytes id)
    {
        id.Write(ids.GetSpan(RunFormat.IdSize)[..RunFormat.IdSize]);
        ids.Advance(RunFormat.IdSize);
        documents++;
        if (ids.Length == RunFormat.IdsPerFrame * RunFormat.IdSize) EndIds();
    }

    /// <summary>Begins a term, greater than the one before.</summary>
    public void BeginTerm(ReadOnlySpan<byte> next)
    {
        EndIds();
        EndChunk();
        next.CopyTo(term);
        termLength = next.Length;
        termCount++;
    }

    /// <summary>Adds a document to the term, greater than the one before.</summary>
    public void Post(int document, SearchFields fields)
    {
        if (chunkCount > 0 && chunk.Length >= RunFormat.ChunkLength) EndChunk();
        bool isFirst = chunkCount++ == 0;
        if (isFirst) chunkFirst = document;
        uint delta = isFirst ? 0 : (uint)(document - chunkLast);
        chunkLast = document;
        // Most words stand in texts: that is not said.
        bool isPlain = fields == SearchFields.Body;
        Span<byte> room = chunk.GetSpan(Varint.Longest + 1);
        int length = Varint.Write(room, ((ulong)delta << 1) | (isPlain ? 0u : 1u));
        if (!isPlain) room[length++] = (byte)fields;
        chunk.Advance(length);
        postings++;
    }

    /// <summary>Writes what is left, the directory and the footer.</summary>
    /// <returns>Length of the file in bytes.</returns>
    public long Finish(long textLength, int cutCount)
    {
        EndIds();
        EndChunk();
        EndBlock();
        if (directory.Length > 0) directories.Add(directory.Span.ToArray());
        long directoryOffset = frames.Position;
        foreach (byte[] part in directories) frames.Write(FileFrameType.SearchDirectory, part);
        Span<byte> footer = stackalloc byte[RunFormat.FooterLength];
        footer.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(footer, RunFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(footer[4..], cutCount);
        BinaryPrimitives.WriteInt64LittleEndian(footer[8..], documents);
        BinaryPrimitives.WriteInt64LittleEndian(footer[16..], termCount);
        BinaryPrimitives.WriteInt64LittleEndian(footer[24..], postings);
        BinaryPrimitives.WriteInt64LittleEndian(footer[32..], textLength);
        BinaryPrimitives.WriteInt64LittleEndian(footer[40..], directoryOffset);
        BinaryPrimitives.WriteInt32LittleEndian(footer[48..], directories.Count);
        frames.Write(FileFrameType.SearchEnd, footer);
        return frames.Finish();
    }

    public void Dispose()
    {
        ids.Dispose();
        block.Dispose();
        chunk.Dispose();
        directory.Dispose();
    }

    private void EndIds()
    {
        if (ids.Length == 0) return;
        frames.Write(FileFrameType.SearchIds, ids.Span);
        ids.Truncate(0);
    }

    private void EndChunk()
    {
        if (chunkCount == 0) return;
        if (block.Length == 0)
        {
            term.AsSpan(0, termLength).CopyTo(blockTerm);
            blockTermLength = termLength;
            blockFirst = chunkFirst;
            previousLength = 0;
        }
        WriteTerm(block, term.AsSpan(0, termLength), previous, ref previousLength);
        Number(block, chunkCount);
        Number(block, chunkFirst);
        Number(block, chunkLast - chunkFirst);
        Number(block, chunk.Length);
        block.Write(chunk.Span);
        chunk.Truncate(0);
        chunkCount = 0;
        if (block.Length >= RunFormat.BlockLength) EndBlock();
    }

    private void EndBlock()
    {
        if (block.Length == 0) return;
        WriteTerm(directory, blockTerm.AsSpan(0, blockTermLength), directoryTerm, ref directoryTermLength);
        Number(directory, blockFirst);
        Number(directory, frames.Position - previousBlock);
        Number(directory, block.Length);
        previousBlock = frames.Position;
        frames.Write(FileFrameType.SearchBlock, block.Span);
        block.Truncate(0);
        if (directory.Length < RunFormat.DirectoryLength) return;
        directories.Add(directory.Span.ToArray());
        directory.Truncate(0);
        directoryTermLength = 0;
    }

    /// <summary>A term as what it shares with the one before it, and its rest.</summary>
    private static void WriteTerm(PooledBuffer target, ReadOnlySpan<byte> term, byte[] before, ref int beforeLength)
    {
        int shared = term.CommonPrefixLength(before.AsSpan(0, beforeLength));
        Number(target, shared);
        Number(target, term.Length - shared);
        target.Write(term[shared..]);
        term.CopyTo(before);
        beforeLength = term.Length;
    }

    private static void Number(PooledBuffer target, long value) => target.Advance(Varint.Write(target.GetSpan(Varint.Longest), (ulong)value));
}
