using System.Text.Json;
using MessageStore.Messages;

namespace MessageStore.Remote;

/// <summary>A call at the store's end: reads the request, calls the member, sends what comes of it.</summary>
internal static class StoreCall
{
    /// <param name="store">The store that is called.</param>
    /// <param name="member">The member that is called.</param>
    /// <param name="request">The parcels of the call.</param>
    /// <param name="response">Where the parcels of the answer go.</param>
    /// <param name="failed">Told of an exception that is no operating error.</param>
    /// <param name="stopping">Cancelled when the server wants to end: the caller is told.</param>
    /// <param name="cancelled">Cancelled when the caller wants the call to end; it waits for that.</param>
    /// <param name="aborted">Cancelled when the caller has gone.</param>
    public static async Task RunAsync(IMessageStore store, StoreMember member, Stream request, Stream response, Action<Exception> failed, CancellationToken stopping, CancellationToken cancelled, CancellationToken aborted)
    {
        using var bodies = new BodyBag();
        var sender = new CallSender(response, stopping, cancelled, aborted);
        await using (sender.ConfigureAwait(false))
        {
            try
            {
                object?[] arguments = [];
                using (JsonDocument written = await ReadRequestAsync(request, bodies, sender.Stopped).ConfigureAwait(false))
                    bodies.While(() => arguments = member.ReadArguments(written.RootElement, sender));
                await member.RunAsync(store, arguments, sender).ConfigureAwait(false);
            }
            catch (Exception) when (aborted.IsCancellationRequested)
            {
                return; // there is nobody to tell
            }
            catch (Exception error)
            {
                await sender.SendAsync(WireKind.Error, Describe(member, error, failed, stopping, cancelled)).ConfigureAwait(false);
            }
            await sender.CompleteAsync().ConfigureAwait(false);
        }
    }

    private static RemoteError Describe(StoreMember member, Exception error, Action<Exception> failed, CancellationToken stopping, CancellationToken cancelled)
    {
        if (error is MessageStoreException known) return RemoteError.From(known);
        if (error is OperationCanceledException && cancelled.IsCancellationRequested) return new RemoteError { ErrorId = Wire.Cancelled, Kind = ErrorKind.Busy, Message = $"{member.Name} was cancelled." };
        if (error is OperationCanceledException && stopping.IsCancellationRequested)
            return new RemoteError { ErrorId = ErrorIds.ServerStopping, Kind = ErrorKind.Busy, Message = $"The server is stopping and has interrupted {member.Name}. What it had acknowledged is stored; run the command again for the rest." };
        if (error is InvalidDataException or JsonException)
            return new RemoteError { ErrorId = ErrorIds.InvalidParameter, Kind = ErrorKind.InvalidArgument, Message = $"The request is no call of {member.Name}: {error.Message}" };
        failed(error);
        return new RemoteError { ErrorId = ErrorIds.ServerFailed, Kind = ErrorKind.Device, Message = $"The server failed at {member.Name}: {error.GetType().Name}: {error.Message} Its log says more." };
    }

    private static async Task<JsonDocument> ReadRequestAsync(Stream request, BodyBag bodies, CancellationToken cancellationToken)
    {
        using var reader = new WireReader(request);
        BodyWriter? body = null;
        try
        {
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                switch (reader.Kind)
                {
                    case WireKind.Bytes:
                        (body ??= new BodyWriter("The message")).Write(reader.Payload.Span);
                        break;
                    case WireKind.BodyEnd:
                        bodies.Add((body ?? new BodyWriter("The message")).Complete());
                        body = null;
                        break;
                    case WireKind.Arguments when body is null:
                        return JsonDocument.Parse(reader.Payload.ToArray());
                    default:
                        throw new InvalidDataException($"A parcel {reader.Kind} has no place in a request.");
                }
            }
        }
        finally
        {
            body?.Dispose();
        }
        throw new InvalidDataException("The request ends before its arguments.");
    }
}
