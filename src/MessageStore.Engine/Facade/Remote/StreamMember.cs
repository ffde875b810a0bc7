using System.Reflection;

namespace MessageStore.Remote;

/// <summary>A member that opens a stream. The result says that it is open; the bytes follow.</summary>
internal sealed class StreamMember(MethodInfo method) : StoreMember(method)
{
    public override object Call(StoreConnection connection, object?[] arguments) => CallAsync(connection, arguments);

    public override async Task RunAsync(IMessageStore store, object?[] arguments, CallSender sender)
    {
        Stream stream = await ((Task<Stream>)Invoke(store, arguments)).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            await sender.SendAsync(WireKind.Result, "null"u8.ToArray()).ConfigureAwait(false);
            var chunk = new byte[Wire.ChunkLength];
            while (await stream.ReadAsync(chunk, sender.Stopped).ConfigureAwait(false) is int read and > 0) await sender.SendAsync(WireKind.Bytes, chunk[..read]).ConfigureAwait(false);
            await sender.SendAsync(WireKind.End, []).ConfigureAwait(false);
        }
    }

    private async Task<Stream> CallAsync(StoreConnection connection, object?[] arguments)
    {
        RemoteCall call = await connection.StartAsync(this, arguments, TokenIn(arguments)).ConfigureAwait(false);
        try
        {
            await call.ExpectAsync(WireKind.Result).ConfigureAwait(false);
            call.Opened();
            return new RemoteReadStream(call);
        }
        catch
        {
            call.Dispose();
            throw;
        }
    }
}
