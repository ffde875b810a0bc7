using System.Buffers;

namespace MessageStore.Messages;

/// <summary>Where a quoter puts its bytes. A struct behind it costs no virtual call.</summary>
internal interface IByteSink
{
    void Write(ReadOnlySpan<byte> bytes);
}

/// <summary>Bytes go to a stream, in the pieces in which they come: give it a buffered one.</summary>
internal readonly struct StreamSink(Stream stream) : IByteSink
{
    public void Write(ReadOnlySpan<byte> bytes) => stream.Write(bytes);
}

/// <summary>Bytes go to a buffer writer.</summary>
internal readonly struct BufferSink(IBufferWriter<byte> writer) : IByteSink
{
    public void Write(ReadOnlySpan<byte> bytes) => BuffersExtensions.Write(writer, bytes);
}
