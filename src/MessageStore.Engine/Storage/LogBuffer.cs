using System.Runtime.InteropServices;

namespace MessageStore.Storage;

/// <summary>
/// Where the frames of a group commit are built: memory that does not move, laid out as in the file, so that whole blocks go to the disk without another copy. It
/// begins with what the log's last block holds already, the frames follow, and zeros fill the last block up. Used by the committer alone.
/// </summary>
/// <remarks>All lengths are bytes. It grows to the largest group of transactions there was and keeps that.</remarks>
internal sealed class LogBuffer
{
    /// <summary>The system's page, and no less than what disks ask for where they are written past its cache.</summary>
    public const int BlockSize = 4096;

    private const int SmallestCapacity = 256 << 10;
    private const int LargestDoubled = 4 << 20;

    private Memory<byte> memory = Allocate(SmallestCapacity);
    private int held;
    private int passed;

    /// <summary>Zeros in memory that does not move, at an address that is a multiple of <see cref="BlockSize"/>.</summary>
    public static Memory<byte> Allocate(int length)
    {
        byte[] array = GC.AllocateArray<byte>(length + BlockSize - 1, pinned: true);
        nint address = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        return array.AsMemory((int)(-address & (BlockSize - 1)), length);
    }

    /// <summary>To the next multiple of <see cref="BlockSize"/>.</summary>
    public static long RoundUp(long length) => (length + BlockSize - 1) & -BlockSize;

    /// <summary>Begins anew behind what another file's last block holds.</summary>
    /// <param name="lastBlock">Fewer bytes than a block; none where the last block is full.</param>
    public void Hold(ReadOnlySpan<byte> lastBlock)
    {
        lastBlock.CopyTo(memory.Span);
        (held, passed) = (lastBlock.Length, 0);
    }

    /// <summary>What the last block held before the frames that are built now.</summary>
    public ReadOnlySpan<byte> LastBlock => memory.Span[..held];

    /// <summary>Memory for frames, with anything in it. What was built there before is gone.</summary>
    public Span<byte> Frames(int length)
    {
        KeepLastBlock();
        int needed = (int)RoundUp(held + length);
        if (memory.Length < needed)
        {
            Memory<byte> larger = Allocate(Math.Max(needed, Math.Min(memory.Length * 2, LargestDoubled)));
            memory[..held].CopyTo(larger);
            memory = larger;
        }
        return memory.Span.Slice(held, length);
    }

    /// <summary>The whole blocks that hold the frames built last: before them what was there, behind them zeros.</summary>
    public ReadOnlySpan<byte> Blocks(int length)
    {
        Span<byte> blocks = memory.Span[..(int)RoundUp(held + length)];
        blocks[(held + length)..].Clear();
        return blocks;
    }

    /// <summary>The next frames go behind those built last, which stay readable until then.</summary>
    public void Pass(int length) => passed = length;

    private void KeepLastBlock()
    {
        int end = held + passed;
        int whole = end & -BlockSize;
        if (whole > 0) memory.Span[whole..end].CopyTo(memory.Span);
        (held, passed) = (end - whole, 0);
    }
}
