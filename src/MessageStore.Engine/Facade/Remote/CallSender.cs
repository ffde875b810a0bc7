using System.Buffers;
using System.Text.Json;
using System.Threading.Channels;

namespace MessageStore.Remote;

/// <summary>
/// Sends the parcels of a response in the order in which they are given, from any thread. What is ready together goes out in one write, nothing waits
/// for more to come, and whoever is faster than the caller at the other end waits.
/// </summary>
internal sealed class CallSender : IAsyncDisposable
{
    /// <summary>Parcels that may wait for the caller to take them.</summary>
    private const int Capacity = 64;

    private readonly Channel<(WireKind Kind, byte[] Payload)> waiting =
        Channel.CreateBounded<(WireKind, byte[])>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly CancellationTokenSource gone;
    private readonly CancellationTokenSource stop;
    private readonly CancellationToken nobodyThere;
    private readonly Stream response;
    private readonly Task sending;

    /// <param name="response">Where the parcels go.</param>
    /// <param name="stopping">Cancelled when the server wants to end.</param>
    /// <param name="cancelled">Cancelled when the caller wants it to end, and waits for that.</param>
    /// <param name="aborted">Cancelled when the caller has gone.</param>
    public CallSender(Stream response, CancellationToken stopping, CancellationToken cancelled, CancellationToken aborted)
    {
        this.response = response;
        gone = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        nobodyThere = gone.Token;
        stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancelled, nobodyThere);
        Stopped = stop.Token;
        sending = Task.Run(SendWaitingAsync, CancellationToken.None);
    }

    /// <summary>Cancelled when the work for the call is to end: the caller wants it to, nobody takes what is sent any more, or the server wants to end.</summary>
    public CancellationToken Stopped { get; }

    public ValueTask SendAsync(WireKind kind, byte[] payload) => waiting.Writer.WriteAsync((kind, payload), nobodyThere);

    public ValueTask SendAsync<T>(WireKind kind, T value) => SendAsync(kind, JsonSerializer.SerializeToUtf8Bytes(value, RemoteJson.Options));

    /// <summary>Sends a progress report. As in the caller's own process, one who is behind holds up whoever reports. A report after the end is for nobody.</summary>
    public void Report<T>(int number, T value)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(number);
            JsonSerializer.Serialize(writer, value, RemoteJson.Options);
            writer.WriteEndArray();
        }
        byte[] payload = json.WrittenSpan.ToArray();
        if (waiting.Writer.TryWrite((WireKind.Progress, payload))) return;
        try
        {
            // IProgress has no other way to wait.
            SendAsync(WireKind.Progress, payload).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception error) when (error is ChannelClosedException or OperationCanceledException)
        {
            return;
        }
    }

    /// <summary>Sends the last parcel and waits until everything has gone out.</summary>
    public async Task CompleteAsync()
    {
        waiting.Writer.TryComplete();
        await sending.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        waiting.Writer.TryComplete();
        await gone.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(sending).ConfigureAwait(false);
        stop.Dispose();
        gone.Dispose();
    }

    private async Task SendWaitingAsync()
    {
        byte[] gathered = ArrayPool<byte>.Shared.Rent(Wire.ChunkLength + Wire.HeaderLength);
        try
        {
            while (await waiting.Reader.WaitToReadAsync(nobodyThere).ConfigureAwait(false))
            {
                int count = 0;
                while (waiting.Reader.TryRead(out (WireKind Kind, byte[] Payload) parcel))
                {
                    if (count + Wire.HeaderLength + parcel.Payload.Length > gathered.Length)
                    {
                        await response.WriteAsync(gathered.AsMemory(0, count), nobodyThere).ConfigureAwait(false);
                        count = 0;
                    }
                    Wire.WriteHeader(gathered.AsSpan(count), parcel.Kind, parcel.Payload.Length);
                    count += Wire.HeaderLength;
                    if (parcel.Payload.Length <= gathered.Length - count)
                    {
                        parcel.Payload.CopyTo(gathered, count);
                        count += parcel.Payload.Length;
                        continue;
                    }
                    await response.WriteAsync(gathered.AsMemory(0, count), nobodyThere).ConfigureAwait(false);
                    await response.WriteAsync(parcel.Payload, nobodyThere).ConfigureAwait(false);
                    count = 0;
                }
                await response.WriteAsync(gathered.AsMemory(0, count), nobodyThere).ConfigureAwait(false);
                await response.FlushAsync(nobodyThere).ConfigureAwait(false);
            }
        }
        catch
        {
            await gone.CancelAsync().ConfigureAwait(false); // nobody takes what is sent: whoever still works for the call may stop
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(gathered);
        }
    }
}
