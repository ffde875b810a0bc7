namespace MessageStore.Messages;

/// <summary>A body longer than <see cref="MessageBody.MemoryLimit"/>, in a temporary file that goes when the body is disposed.</summary>
internal sealed class SpooledBody(BodySpool spool) : MessageBody
{
    private readonly byte[] sha256 = spool.Sha256();

    public override long Length => spool.Length;

    public override ReadOnlySpan<byte> Sha256 => sha256;

    public override ReadOnlyMemory<byte> Head => spool.Head;

    public override int Read(Span<byte> buffer, long offset) => offset >= spool.Length ? 0 : spool.Read(buffer, offset);

    protected override void Dispose(bool disposing)
    {
        if (disposing) spool.Dispose();
        base.Dispose(disposing);
    }
}
