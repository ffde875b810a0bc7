using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace MessageStore.Server.Nodes;

/// <summary>
/// Memory that a node receives into, in blocks of 32 KiB. The web server's own are 4 KiB: a request with twenty messages would be received in as many pieces, each with two calls of the
/// system and a change of threads. A connection takes its first block only when bytes have come: all that <see cref="HttpHardening"/> lets in, each with the beginning of a request, hold 32 MiB.
/// </summary>
internal sealed class NetworkBlocks : MemoryPool<byte>
{
    public const int BlockSize = 32 << 10;

    private const int KeptBlocks = 256; // 8 MiB; what a peak took beyond goes back

    private readonly ConcurrentBag<Block> free = [];
    private int kept;

    public override int MaxBufferSize => BlockSize;

    /// <param name="minBufferSize">At most <see cref="BlockSize"/>; a whole block is given in any case.</param>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        if (!free.TryTake(out Block? block)) return new Block(this);
        Interlocked.Decrement(ref kept);
        block.IsRented = true;
        return block;
    }

    protected override void Dispose(bool disposing) => free.Clear();

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref kept) <= KeptBlocks) free.Add(block);
        else Interlocked.Decrement(ref kept);
    }

    /// <summary>One pool for a server.</summary>
    public sealed class Factory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new NetworkBlocks();
    }

    private sealed class Block(NetworkBlocks pool) : IMemoryOwner<byte>
    {
        // Pinned, because the system writes into it while the garbage collector may be at work.
        private readonly byte[] bytes = GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true);

        public bool IsRented { get; set; } = true;

        public Memory<byte> Memory => bytes;

        public void Dispose()
        {
            if (!IsRented) return;
            IsRented = false;
            pool.Return(this);
        }
    }
}
