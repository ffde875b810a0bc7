using System.Buffers;
using System.Net;
using System.Text.Json;
using MessageStore.Messages;

namespace MessageStore.Remote;

/// <summary>The request of a call: the bodies, a piece at a time, then the arguments.</summary>
internal sealed class CallContent : HttpContent
{
    private readonly IReadOnlyList<MessageBody> bodies;
    private readonly ReadOnlyMemory<byte> json;
    private readonly Action sent;

    /// <param name="member">The member that is called.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="sent">Told when the last bytes go out, on which the other end begins.</param>
    public CallContent(StoreMember member, object?[] arguments, Action sent)
    {
        this.sent = sent;
        var bag = new BodyBag(); // the bodies stay the caller's
        var buffer = new ArrayBufferWriter<byte>();
        bag.While(() =>
        {
            using var writer = new Utf8JsonWriter(buffer);
            member.WriteArguments(writer, arguments);
        });
        bodies = bag.Bodies;
        json = buffer.WrittenMemory;
        Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue(Wire.ContentType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Wire.HeaderLength + Wire.ChunkLength);
        try
        {
            foreach (MessageBody body in bodies)
            {
                for (long offset = 0; body.Read(buffer.AsSpan(Wire.HeaderLength, Wire.ChunkLength), offset) is int read and > 0; offset += read)
                {
                    Wire.WriteHeader(buffer, WireKind.Bytes, read);
                    await stream.WriteAsync(buffer.AsMemory(0, Wire.HeaderLength + read), cancellationToken).ConfigureAwait(false);
                }
                Wire.WriteHeader(buffer, WireKind.BodyEnd, 0);
                await stream.WriteAsync(buffer.AsMemory(0, Wire.HeaderLength), cancellationToken).ConfigureAwait(false);
            }
            Wire.WriteHeader(buffer, WireKind.Arguments, json.Length);
            await stream.WriteAsync(buffer.AsMemory(0, Wire.HeaderLength), cancellationToken).ConfigureAwait(false);
            sent();
            await stream.WriteAsync(json, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = Wire.HeaderLength + json.Length;
        foreach (MessageBody body in bodies)
        {
            if (!body.IsInMemory) return false; // whose reads may come in any sizes
            length += body.Length + (body.Length + Wire.ChunkLength - 1) / Wire.ChunkLength * Wire.HeaderLength + Wire.HeaderLength;
        }
        return true;
    }
}
