using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MessageStore.Server.Tests.Soak;

/// <summary>Brings mail by LMTP and keeps book of what was acknowledged and of what nobody answered for.</summary>
internal sealed class LmtpSender(IPEndPoint address, string name, int mailboxes, int seed)
{
    private readonly Random random = new(seed);
    private int next;

    /// <summary>Subjects of messages for which 250 came.</summary>
    public ConcurrentBag<string> Acknowledged { get; } = [];

    /// <summary>Subjects of messages that were sent whole and for which no answer came: they may be there or not.</summary>
    public ConcurrentBag<string> Unanswered { get; } = [];

    /// <summary>Sends until it is cancelled; where the server is away it comes again.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            string underWay = "";
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(address, cancellationToken);
                using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
                await reader.ReadLineAsync(cancellationToken);
                await AskAsync(client, reader, "LHLO soak\r\n");
                while (!cancellationToken.IsCancellationRequested)
                {
                    string subject = $"{name}-{next++}";
                    await AskAsync(client, reader, "MAIL FROM:<s@example.net>\r\n");
                    await AskAsync(client, reader, $"RCPT TO:<m{random.Next(mailboxes)}@example.org>\r\n");
                    await AskAsync(client, reader, "DATA\r\n");
                    string text = $"Subject: {subject}\r\nFrom: s@example.net\r\n\r\n{new string('x', random.Next(1, 8000))}\r\n.\r\n";
                    underWay = subject;
                    string answer = await AskAsync(client, reader, text);
                    if (answer.StartsWith("250 ", StringComparison.Ordinal)) Acknowledged.Add(subject);
                    underWay = "";
                }
            }
            catch (Exception error) when (error is IOException or SocketException)
            {
                if (underWay.Length > 0) Unanswered.Add(underWay);
                await Task.Delay(50, CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                return; // between two messages
            }
        }
    }

    /// <summary>Not cancelled: a message that was sent is waited for.</summary>
    private static async Task<string> AskAsync(TcpClient client, StreamReader reader, string text)
    {
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), CancellationToken.None);
        string line;
        do line = await reader.ReadLineAsync(CancellationToken.None) ?? throw new IOException("The server has gone.");
        while (line.Length > 3 && line[3] == '-');
        return line;
    }
}
