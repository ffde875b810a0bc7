using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MessageStore.Storage;

namespace MessageStore.Tests.Storage;

public sealed class LogBufferTests
{
    private const int Block = LogBuffer.BlockSize;

    [Fact]
    public void Frames_lie_behind_what_the_last_block_holds_and_zeros_fill_the_rest()
    {
        var buffer = new LogBuffer();
        buffer.Frames(3 * Block).Fill(0xFF);
        buffer.Hold([1, 2, 3]);
        buffer.Frames(Block).Fill(7);
        byte[] expected = [1, 2, 3, .. Enumerable.Repeat((byte)7, Block), .. new byte[Block - 3]];
        Assert.Equal(expected, buffer.Blocks(Block).ToArray());
        Assert.Equal(expected, buffer.Blocks(Block).ToArray()); // as often as one likes
    }

    [Theory]
    [InlineData(8)]
    [InlineData(Block - 8)]
    [InlineData(Block)]
    [InlineData(Block + 8)]
    [InlineData((300 << 10) + 8)]
    [InlineData((5 << 20) + 8)]
    public void Each_group_begins_in_the_block_in_which_the_one_before_it_ended(int length)
    {
        var buffer = new LogBuffer();
        var file = new List<byte>();
        for (byte group = 1; group <= 5; group++)
        {
            int start = file.Count & -Block;
            Span<byte> frames = buffer.Frames(length);
            frames.Fill(group);
            file.AddRange(frames);
            ReadOnlySpan<byte> blocks = buffer.Blocks(length);
            Assert.Equal(LogBuffer.RoundUp(file.Count) - start, blocks.Length);
            Assert.True(blocks[..(file.Count - start)].SequenceEqual(CollectionsMarshal.AsSpan(file)[start..]));
            buffer.Pass(length);
            Assert.True(frames.ContainsAnyExcept((byte)0) && !frames.ContainsAnyExcept(group), "they stay readable");
        }
    }

    [Fact]
    public void What_was_not_passed_is_built_over()
    {
        var buffer = new LogBuffer();
        buffer.Hold([9]);
        buffer.Frames(100).Fill(1);
        buffer.Frames(2).Fill(2);
        byte[] expected = [9, 2, 2, .. new byte[Block - 3]];
        Assert.Equal(expected, buffer.Blocks(2).ToArray());
    }

    [Fact]
    public void Blocks_begin_at_whole_blocks_of_memory()
    {
        var buffer = new LogBuffer();
        foreach (int length in new[] { 10, 1 << 20, 17 << 20 })
        {
            buffer.Frames(length);
            ref byte first = ref MemoryMarshal.GetReference(buffer.Blocks(length));
            unsafe
            {
                Assert.Equal(0, (nint)Unsafe.AsPointer(ref first) % Block);
            }
        }
    }
}
