using System.Buffers;

namespace MessageStore.IO;

/// <summary>Bytes in a rented array that grows; what was written before stays and may be altered. Not thread-safe.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private byte[] array;

    public PooledBuffer(int capacity = 64 << 10) => array = ArrayPool<byte>.Shared.Rent(capacity);

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    public int Capacity => array.Length;

    public Span<byte> Span => array.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => array.AsMemory(0, Length);

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return array.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return array.AsSpan(Length);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(array.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Forgets all bytes behind <paramref name="length"/>; the array stays.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length);
        Length = length;
    }

    public void Dispose()
    {
        byte[] old = array;
        array = [];
        Length = 0;
        if (old.Length > 0) ArrayPool<byte>.Shared.Return(old);
    }

    private void Ensure(int count)
    {
        if (array.Length - Length >= count) return;
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Length + count), (int)Math.Min(array.Length * 2L, Array.MaxLength)));
        array.AsSpan(0, Length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(array);
        array = larger;
    }
}
