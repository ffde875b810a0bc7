using System.Buffers.Binary;

namespace MessageStore.Backups;

/// <summary>
/// Takes the frames of a backup and passes on the layer around them (docs/format-backup.md, "The layer"): cut into chunks that are compressed and encrypted on other threads. Like
/// the writer of the frames it only ever appends, and the number of blocks bounds its memory, but for 4 bytes a chunk.
/// </summary>
internal sealed class LayerWriter : IDisposable
{
    /// <summary>Chunks on their way at once.</summary>
    private const int BlocksUnderWay = 16;

    private readonly LayerHeader header;
    private readonly LayerKeys? keys;
    private readonly LayerChunk chunk;
    private readonly Action<Block> pass;
    private readonly CancellationToken cancellationToken;
    private readonly BlockPool pool;
    private readonly OrderedPipe pipe;
    private readonly List<uint> table = [];
    private Block? current;
    private int filled;
    private long sent;
    private long length;
    private long offset;

    /// <param name="pass">Takes the bytes over in order, on a thread of the writer's or the caller's, never on two at once.</param>
    /// <param name="isQuiet">Whether it gives way to users.</param>
    public LayerWriter(
        Action<Block> pass, Guid id, BackupCompression compression, BackupKey? key, bool isQuiet, CancellationToken cancellationToken, int chunkBytes = LayerHeader.DefaultChunkBytes)
    {
        this.pass = pass;
        this.cancellationToken = cancellationToken;
        (header, keys) = BackupKey.Begin(id, compression, key, chunkBytes);
        chunk = new LayerChunk(header, keys);
        // A block holds the chunk as it will be, and behind it the content that it is made of.
        pool = new BlockPool(BlocksUnderWay, chunk.Largest + header.ChunkBytes);
        pipe = new OrderedPipe("backup layer", Pack, Pass, isQuiet);
    }

    /// <summary>Takes the next frame over.</summary>
    public void Add(Block frame)
    {
        using (frame)
        {
            if (length == 0) PassBytes(header.ToBytes());
            for (ReadOnlySpan<byte> bytes = frame.Span; !bytes.IsEmpty;)
            {
                // Sent only when more comes: the last chunk is to say that it is the last.
                if (filled == header.ChunkBytes) Send(last: false);
                current ??= pool.Rent(cancellationToken);
                int count = Math.Min(bytes.Length, header.ChunkBytes - filled);
                bytes[..count].CopyTo(current.Bytes.AsSpan(chunk.Largest + filled));
                filled += count;
                length += count;
                bytes = bytes[count..];
            }
        }
    }

    /// <summary>Passes on what is left, label, table and tail.</summary>
    public void Finish(BackupLabel label)
    {
        Send(last: true);
        pipe.Complete();
        byte[] text = label.Encode(), end = new byte[text.Length + table.Count * LayerTail.TableEntry];
        text.CopyTo(end, 0);
        for (int i = 0; i < table.Count; i++) BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(text.Length + i * LayerTail.TableEntry), table[i]);
        var tail = new LayerTail(header.Id, length, table.Count, offset, text.Length);
        PassBytes(end);
        PassBytes(tail.ToBytes(end, keys));
    }

    public void Dispose()
    {
        pipe.Dispose();
        current?.Dispose();
        keys?.Dispose();
    }

    private void Send(bool last)
    {
        Block block = current!;
        current = null;
        (block.Number, block.IsLast, block.Length) = (sent++, last, filled);
        filled = 0;
        pipe.Add(block);
    }

    private void Pack(Block block) =>
        block.Length = chunk.Pack(block.Bytes.AsSpan(chunk.Largest, block.Length), block.Number, block.IsLast, block.Bytes.AsSpan(0, chunk.Largest));

    private void Pass(Block block)
    {
        table.Add((uint)(block.Length - LayerChunk.HeaderSize));
        offset += block.Length;
        pass(block);
    }

    private void PassBytes(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Block block = pool.Rent(cancellationToken);
            int count = Math.Min(bytes.Length, block.Bytes.Length);
            bytes[..count].CopyTo(block.Bytes);
            block.Length = count;
            offset += count;
            bytes = bytes[count..];
            pass(block);
        }
    }
}
