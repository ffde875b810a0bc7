namespace MessageStore.IO;

/// <summary>The writing end of a <see cref="PooledBuffer"/> for code that wants a stream. Disposing it does nothing to the buffer.</summary>
internal sealed class PooledBufferStream(PooledBuffer buffer) : WriteStream
{
    public override void Write(ReadOnlySpan<byte> source) => buffer.Write(source);
}
