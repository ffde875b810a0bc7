using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;

namespace MessageStore.Remote;

/// <summary>The way to the server that owns a database: HTTP over its Unix socket.</summary>
internal sealed class StoreConnection : IDisposable
{
    private static readonly Uri Base = new("http://localhost");

    private readonly HttpMessageInvoker client;
    private ServerGreeting? greeting;

    public StoreConnection(string databasePath, string socketPath)
    {
        DatabasePath = databasePath;
        client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            // A call that is left early is to end at the other end too, at once.
            MaxResponseDrainSize = 0,
            ConnectCallback = async (_, cancellationToken) => new NetworkStream(await ConnectAsync(socketPath, cancellationToken).ConfigureAwait(false), ownsSocket: true),
        });
    }

    /// <summary>The database folder, as the one who opened it named it.</summary>
    public string DatabasePath { get; }

    /// <summary>Asks who is there.</summary>
    /// <returns><see langword="null"/> where nobody answers.</returns>
    public async Task<ServerGreeting?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Base, Wire.Route));
            using HttpResponseMessage response = await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
            return greeting = await response.Content.ReadFromJsonAsync<ServerGreeting>(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return null;
        }
    }

    /// <summary>Asks whether somebody is there, and whether we can talk to them.</summary>
    /// <exception cref="MessageStoreException">ServerIncompatible.</exception>
    public async Task<bool> GreetAsync(CancellationToken cancellationToken)
    {
        if (await AskAsync(cancellationToken).ConfigureAwait(false) is not { } there) return false;
        return there.Protocol == Wire.Protocol && there.Contract == StoreContract.Fingerprint ? true : throw Incompatible();
    }

    /// <summary>Tells the server to stop.</summary>
    /// <exception cref="MessageStoreException">ServerConnectionLost.</exception>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Base, Wire.StopRoute));
            using HttpResponseMessage response = await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
            response.EnsureSuccessStatusCode();
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw Lost("the request to stop", error);
        }
    }

    /// <summary>Tells the server that a call is to end.</summary>
    /// <returns>Whether it knows the call.</returns>
    public async Task<bool> CancelAsync(Guid call, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Base, $"{Wire.CancelRoute}/{call}"));
        using HttpResponseMessage response = await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return response.IsSuccessStatusCode;
    }

    /// <summary>Sends a call and waits for the beginning of its response. Cancelled after it was sent, it still waits: for what the run at the other end comes to.</summary>
    /// <exception cref="MessageStoreException">ServerConnectionLost, ServerIncompatible.</exception>
    public async Task<RemoteCall> StartAsync(StoreMember member, object?[] arguments, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var cancellation = new CallCancellation(this, cancellationToken);
        HttpResponseMessage? response = null;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Base, $"{Wire.Route}/{member.Name}")) { Content = new CallContent(member, arguments, cancellation.Sent) };
            request.Headers.Add(Wire.ContractHeader, StoreContract.Fingerprint);
            request.Headers.Add(Wire.CallHeader, cancellation.Id.ToString());
            response = await client.SendAsync(request, cancellation.Sending).ConfigureAwait(false);
            // The server may have been exchanged for another version since it greeted us.
            if (response.StatusCode is HttpStatusCode.Conflict or HttpStatusCode.NotFound) throw Incompatible();
            response.EnsureSuccessStatusCode();
            Stream body = await response.Content.ReadAsStreamAsync(CancellationToken.None).ConfigureAwait(false);
            return new RemoteCall(this, member, arguments, cancellation, response, body);
        }
        catch (Exception error)
        {
            cancellation.Dispose();
            response?.Dispose();
            if (error is not (HttpRequestException or IOException or OperationCanceledException)) throw;
            cancellationToken.ThrowIfCancellationRequested();
            throw Lost(member.Name, error);
        }
    }

    public MessageStoreException Lost(string call, Exception? inner) => new(ErrorIds.ServerConnectionLost, ErrorKind.Device,
        $"The server that owns {DatabasePath}{Process} ended or closed the connection during {call}. What it had acknowledged is stored; look what became of the rest, then run the command again.", DatabasePath, inner);

    public void Dispose() => client.Dispose();

    private string Process => greeting is null ? "" : $" (process {greeting.ProcessId})";

    private MessageStoreException Incompatible() => new(ErrorIds.ServerIncompatible, ErrorKind.NotSupported,
        $"The server that owns {DatabasePath}{Process} is of version {greeting?.Version ?? "unknown"} (contract {Short(greeting?.Contract)}), which does not speak as version {ServerGreeting.OwnVersion} (contract {Short(StoreContract.Fingerprint)}) here does. Install the same version on both sides and restart the server.", DatabasePath);

    /// <summary>Enough of a contract to tell two apart.</summary>
    private static string Short(string? contract) => contract is null ? "unknown" : contract[..Math.Min(8, contract.Length)];

    private static async Task<Socket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
