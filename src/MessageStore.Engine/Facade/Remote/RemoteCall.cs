using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>A call under way, seen by the caller: hands on reports, throws the error that comes, and ends the call at the other end when it is left early.</summary>
internal sealed class RemoteCall(StoreConnection connection, StoreMember member, object?[] arguments, HttpResponseMessage response, Stream body) : IDisposable
{
    private readonly WireReader reader = new(body);

    /// <summary>The payload of the parcel that came last; good until the next is asked for.</summary>
    public ReadOnlyMemory<byte> Payload => reader.Payload;

    /// <summary>Reads the last payload as JSON.</summary>
    public T Read<T>() => JsonSerializer.Deserialize<T>(reader.Payload.Span, RemoteJson.Options)!;

    /// <summary>Waits for the next parcel that is no report.</summary>
    /// <returns>One of the two kinds that may come.</returns>
    /// <exception cref="MessageStoreException">What the member threw; ServerConnectionLost.</exception>
    public async ValueTask<WireKind> NextAsync(WireKind one, WireKind other, CancellationToken cancellationToken)
    {
        try
        {
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                if (reader.Kind == WireKind.Progress) member.Report(arguments, reader.Payload);
                else if (reader.Kind == WireKind.Error) throw Read<RemoteError>().ToException();
                else if (reader.Kind == one || reader.Kind == other) return reader.Kind;
                else throw new InvalidDataException($"A parcel {reader.Kind} came where {one} or {other} was expected.");
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException or InvalidDataException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw connection.Lost(member.Name, error);
        }
        cancellationToken.ThrowIfCancellationRequested();
        throw connection.Lost(member.Name, null);
    }

    /// <summary>Waits for a parcel of one kind.</summary>
    public async ValueTask ExpectAsync(WireKind kind, CancellationToken cancellationToken) => await NextAsync(kind, kind, cancellationToken).ConfigureAwait(false);

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
