using System.Threading.Channels;

namespace MessageStore.Backups;

/// <summary>
/// A fixed number of blocks: what bounds the memory of a backup, and what makes the one who reads wait for those who write.
/// </summary>
/// <param name="count">How many blocks there are at most.</param>
/// <param name="capacity">Bytes in each.</param>
internal sealed class BlockPool(int count, int capacity)
{
    private readonly Channel<Block> free = Channel.CreateBounded<Block>(count);
    private int made;

    /// <summary>Waits until a block is free. One thread rents; any thread returns.</summary>
    public Block Rent(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (free.Reader.TryRead(out Block? block)) return block;
        if (made == count) return free.Reader.ReadAsync(cancellationToken).AsTask().GetAwaiter().GetResult();
        made++;
        return new Block(this, capacity);
    }

    public void Return(Block block) => free.Writer.TryWrite(block);
}
