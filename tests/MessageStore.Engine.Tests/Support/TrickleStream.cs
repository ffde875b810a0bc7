namespace MessageStore.Tests.Support;

/// <summary>Gives another stream's bytes in pieces of random length, as a socket or an inflater does.</summary>
internal sealed class TrickleStream(Stream source, Random random) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => source.Read(buffer, offset, Math.Min(count, random.Next(1, 300)));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
