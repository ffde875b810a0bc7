using System.IO.Pipelines;
using MessageStore.Server.Intake;

namespace MessageStore.Server.Tests.Intake;

/// <summary>A connection in memory, without TLS. The pipes stay their owner's.</summary>
internal sealed class PipeLine(PipeReader input, PipeWriter output) : Line
{
    private readonly Stream from = input.AsStream(leaveOpen: true);

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => await output.WriteAsync(bytes, cancellationToken);

    public override ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken) => from.ReadAsync(bytes, cancellationToken);

    public override Stream AsStream() => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => from.DisposeAsync();
}
