using System.Buffers;
using MessageStore.Server.Nodes;

namespace MessageStore.Server.Tests.Nodes;

public sealed class NetworkBlocksTests
{
    [Fact]
    public void A_block_is_used_again_and_one_that_is_given_back_twice_is_not_given_out_twice()
    {
        using var blocks = new NetworkBlocks();
        IMemoryOwner<byte> first = blocks.Rent(100);
        Assert.Equal(NetworkBlocks.BlockSize, first.Memory.Length);
        first.Dispose();
        first.Dispose();
        IMemoryOwner<byte> again = blocks.Rent(), other = blocks.Rent(NetworkBlocks.BlockSize);
        Assert.Same(first, again);
        Assert.NotSame(again, other);
        Assert.Throws<ArgumentOutOfRangeException>(() => blocks.Rent(NetworkBlocks.BlockSize + 1));
    }

    [Fact]
    public async Task Threads_never_share_a_block()
    {
        using var blocks = new NetworkBlocks();
        await Task.WhenAll(Enumerable.Range(1, 8).Select(thread => Task.Run(() =>
        {
            for (int round = 0; round < 5_000; round++)
            {
                IMemoryOwner<byte>[] mine = [.. Enumerable.Range(0, 1 + round % 40).Select(_ => blocks.Rent())];
                foreach (IMemoryOwner<byte> block in mine) block.Memory.Span[0] = (byte)thread;
                foreach (IMemoryOwner<byte> block in mine)
                {
                    Assert.Equal(thread, block.Memory.Span[0]);
                    block.Dispose();
                }
            }
        })));
    }
}
