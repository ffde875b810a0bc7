using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>A call under way, seen by the caller: hands on reports, throws the error that comes, and ends the call at the other end when it is left early.</summary>
internal sealed class RemoteCall(StoreConnection connection, StoreMember member, object?[] arguments, CallCancellation cancellation, HttpResponseMessage response, Stream body) : IDisposable, IAsyncDisposable
{
    private readonly WireReader reader = new(body);
    private bool ended;
    private bool passedOver;

    /// <summary>The payload of the parcel that came last; good until the next is asked for.</summary>
    public ReadOnlyMemory<byte> Payload => reader.Payload;

    /// <summary>Reads the last payload as JSON.</summary>
    public T Read<T>() => JsonSerializer.Deserialize<T>(reader.Payload.Span, RemoteJson.Options)!;

    /// <summary>Waits for the next parcel that is no report. Once the caller has cancelled, what was on its way is passed over, up to the end of the run.</summary>
    /// <param name="one">A kind that may come.</param>
    /// <param name="other">The other.</param>
    /// <param name="read">Gives up reading; nothing can be read after that.</param>
    /// <returns>One of the two kinds that may come.</returns>
    /// <exception cref="MessageStoreException">What the member threw; ServerConnectionLost.</exception>
    /// <exception cref="OperationCanceledException">The run has ended because it was cancelled.</exception>
    public async ValueTask<WireKind> NextAsync(WireKind one, WireKind other, CancellationToken read = default)
    {
        try
        {
            while (await reader.ReadAsync(read).ConfigureAwait(false))
            {
                switch (reader.Kind)
                {
                    case WireKind.Progress:
                        if (!cancellation.Token.IsCancellationRequested) member.Report(arguments, reader.Payload);
                        break;
                    case WireKind.Error:
                        ended = true;
                        RemoteError error = Read<RemoteError>();
                        throw error.ErrorId == Wire.Cancelled ? new OperationCanceledException(cancellation.Token) : error.ToException();
                    case WireKind.Item when cancellation.Token.IsCancellationRequested:
                        passedOver = true;
                        break;
                    case var kind when kind == one || kind == other:
                        ended |= kind is WireKind.End or WireKind.Result;
                        if (kind == WireKind.End && passedOver) throw new OperationCanceledException(cancellation.Token);
                        return kind;
                    default:
                        throw new InvalidDataException($"A parcel {reader.Kind} came where {one} or {other} was expected.");
                }
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException or InvalidDataException)
        {
            ended = true;
            cancellation.Token.ThrowIfCancellationRequested();
            read.ThrowIfCancellationRequested();
            throw connection.Lost(member.Name, error);
        }
        ended = true;
        cancellation.Token.ThrowIfCancellationRequested();
        throw connection.Lost(member.Name, null);
    }

    /// <summary>Waits for a parcel of one kind.</summary>
    public async ValueTask ExpectAsync(WireKind kind) => await NextAsync(kind, kind).ConfigureAwait(false);

    /// <summary>The call is more than its beginning, and what cancelled that does not count any more.</summary>
    public void Opened() => cancellation.Forget();

    /// <summary>Closes the connection, which ends the call at the other end some time.</summary>
    public void Dispose()
    {
        cancellation.Dispose();
        reader.Dispose();
        response.Dispose();
    }

    /// <summary>Ends the call at the other end and waits until it has ended there, as leaving a sequence does in one's own process.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!ended)
            {
                cancellation.Cancel();
                while (reader.Kind is not (WireKind.End or WireKind.Error) && await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
                {
                }
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException or InvalidDataException)
        {
            // The server is gone, and with it the run.
        }
        finally
        {
            Dispose();
        }
    }
}
