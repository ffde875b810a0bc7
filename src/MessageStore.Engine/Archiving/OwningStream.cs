using MessageStore.IO;

namespace MessageStore.Archiving;

/// <summary>A readable stream that takes something else with it when it is disposed.</summary>
internal sealed class OwningStream(Stream inner, IDisposable owned) : ReadStream
{
    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            owned.Dispose();
        }
        base.Dispose(disposing);
    }
}
