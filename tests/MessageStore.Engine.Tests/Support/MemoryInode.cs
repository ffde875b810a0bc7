namespace MessageStore.Tests.Support;

/// <summary>A file's bytes: what reading shows, what is durable, and what lies between. See the fault model of <see cref="MemoryStorage"/>.</summary>
internal sealed class MemoryInode
{
    /// <summary>What a disk writes whole or not at all.</summary>
    public const int SectorSize = 512;

    private readonly List<Pending> unflushed = [];
    private readonly HashSet<int> beginnings = [];
    private readonly Bytes current;
    private readonly Bytes durable;

    public MemoryInode()
        : this([])
    {
    }

    public MemoryInode(byte[] content)
        : this(new Bytes(content, content.Length))
    {
    }

    private MemoryInode(Bytes content)
    {
        current = content;
        durable = content.Share();
    }

    public ReadOnlyMemory<byte> Current => current.Memory;

    public int DurableLength => durable.Memory.Length;

    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        current.Write(bytes, (int)offset);
        unflushed.Add(new Pending((int)offset, bytes.ToArray(), null));
        beginnings.Add((int)offset);
    }

    /// <summary>A write that reading shows and that never comes to the disk: there only the file is as long as it should be.</summary>
    public void Miss(ReadOnlySpan<byte> bytes, long offset)
    {
        current.Write(bytes, (int)offset);
        unflushed.Add(new Pending((int)offset, bytes.ToArray(), null) { IsMissing = true });
    }

    /// <summary>Somebody else's write lands on the disk here, as far as the file reaches, unknown to the system.</summary>
    public void Hit(ReadOnlySpan<byte> bytes, Random chance)
    {
        List<int> begun = [.. beginnings.Where(b => b < DurableLength)];
        int offset = begun.Count > 0 && chance.Next(2) == 0 ? begun[chance.Next(begun.Count)] : chance.Next((DurableLength + SectorSize - 1) / SectorSize) * SectorSize;
        durable.Write(bytes[..Math.Min(bytes.Length, DurableLength - offset)], offset);
    }

    public void SetLength(long length)
    {
        current.SetLength((int)length);
        unflushed.Add(new Pending(0, [], (int)length));
    }

    public void Flush()
    {
        foreach (Pending change in unflushed) change.Apply(durable, null);
        unflushed.Clear();
    }

    public void FailFlush(Random chance)
    {
        foreach (Pending change in unflushed) change.Apply(durable, chance);
        unflushed.Clear();
    }

    public void Corrupt(long offset, byte mask)
    {
        current.Xor((int)offset, mask);
        durable.Xor((int)offset, mask);
    }

    public MemoryInode Survivor(Random chance)
    {
        Bytes survivor = durable.Share();
        foreach (Pending change in unflushed) change.Apply(survivor, chance);
        return new MemoryInode(survivor);
    }

    /// <summary>A write, or a change of length, since the last flush.</summary>
    private sealed record Pending(int Offset, byte[] Written, int? NewLength)
    {
        /// <summary>Whether only its length comes to the disk.</summary>
        public bool IsMissing { get; init; }

        /// <summary>Applies it whole, or by chance a part of it.</summary>
        public void Apply(Bytes target, Random? chance)
        {
            if (NewLength is { } length)
            {
                if (chance is null || chance.Next(2) == 0) target.SetLength(length);
                return;
            }
            if (IsMissing)
            {
                if (target.Memory.Length < Offset + Written.Length) target.SetLength(Offset + Written.Length);
                return;
            }
            if (chance is null || chance.Next(3) == 0)
            {
                target.Write(Written, Offset);
                return;
            }
            if (chance.Next(2) == 0) return;
            if (chance.Next(2) == 0 && target.Memory.Length < Offset + Written.Length) target.SetLength(Offset + Written.Length);
            for (int at = 0; at < Written.Length;)
            {
                int next = Math.Min(Written.Length, (((Offset + at) / SectorSize) + 1) * SectorSize - Offset);
                if (chance.Next(2) == 0) target.Write(Written.AsSpan(at, next - at), Offset + at);
                at = next;
            }
        }
    }

    /// <summary>Bytes that grow, copied only when one of those who share them changes them: forks of a disk cost next to nothing.</summary>
    private sealed class Bytes(byte[] content, int used)
    {
        private byte[] array = content;
        private int length = used;
        private bool isShared;

        public Bytes Share()
        {
            isShared = true;
            return new Bytes(array, length) { isShared = true };
        }

        public ReadOnlyMemory<byte> Memory => array.AsMemory(0, length);

        public void Write(ReadOnlySpan<byte> bytes, int offset)
        {
            Own(Math.Max(length, offset + bytes.Length));
            if (offset + bytes.Length > length) SetLength(offset + bytes.Length);
            bytes.CopyTo(array.AsSpan(offset));
        }

        public void SetLength(int newLength)
        {
            Own(newLength);
            if (newLength > array.Length) Array.Resize(ref array, Math.Max(newLength, array.Length * 2));
            if (newLength > length) array.AsSpan(length, newLength - length).Clear();
            length = newLength;
        }

        public void Xor(int offset, byte mask)
        {
            Own(length);
            if (offset < length) array[offset] ^= mask;
        }

        private void Own(int capacity)
        {
            if (!isShared) return;
            byte[] mine = new byte[Math.Max(length, capacity)];
            array.AsSpan(0, length).CopyTo(mine);
            array = mine;
            isShared = false;
        }
    }
}
