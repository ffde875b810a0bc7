using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace MessageStore.Server.Tests.Intake;

/// <summary>Speaks SMTP as a test dictates it, byte by byte.</summary>
internal sealed class LineClient : IAsyncDisposable
{
    /// <summary>A guard against hanging, no measure of speed.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly TcpClient connection = new();
    private Stream stream = Stream.Null;

    public static async Task<LineClient> ConnectAsync(IPEndPoint address)
    {
        var client = new LineClient();
        await client.connection.ConnectAsync(address);
        client.stream = client.connection.GetStream();
        return client;
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes);

    /// <summary>Reads a reply, all its lines; empty at the end of the connection.</summary>
    public async Task<string> ReadAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var reply = new StringBuilder();
        while (true)
        {
            var line = new StringBuilder();
            byte[] one = new byte[1];
            while (line.Length == 0 || line[^1] != '\n')
            {
                if (await stream.ReadAsync(one, patience.Token) == 0) return reply.ToString();
                line.Append((char)one[0]);
            }
            reply.Append(line);
            if (line[3] == ' ') return reply.ToString().TrimEnd();
        }
    }

    /// <summary>Sends a line and reads the reply to it.</summary>
    public async Task<string> AskAsync(string line)
    {
        await SendAsync(line + "\r\n");
        return await ReadAsync();
    }

    public async Task StartTlsAsync()
    {
        var tls = new SslStream(stream, false, (_, certificate, _, _) => certificate?.Subject == "CN=localhost"); // made by the test itself
        await tls.AuthenticateAsClientAsync("localhost");
        stream = tls;
    }

    /// <summary>Breaks the connection off, without a farewell.</summary>
    public void Reset()
    {
        connection.Client.LingerState = new LingerOption(true, 0);
        connection.Client.Close();
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        connection.Dispose();
    }
}
