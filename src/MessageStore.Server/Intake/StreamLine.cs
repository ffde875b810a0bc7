namespace MessageStore.Server.Intake;

/// <summary>A connection of which only a stream is seen, such as one with TLS on it.</summary>
internal sealed class StreamLine(Stream stream) : Line
{
    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken) => stream.ReadAsync(bytes, cancellationToken);

    public override Stream AsStream() => stream;

    public override ValueTask DisposeAsync() => stream.DisposeAsync();
}
