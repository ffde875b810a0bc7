using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MessageStore.Replication.Dns;

namespace MessageStore.Tests.Replication.Dns;

/// <summary>A question that a <see cref="FakeDnsServer"/> got.</summary>
internal sealed record FakeQuestion(DnsMessage Query, byte[] Bytes, IPEndPoint Client, bool OverTcp, Action<byte[]> Send)
{
    public void Reply(DnsMessage answer) => Send(answer.Encode());

    /// <summary>The right answer with these records in it.</summary>
    public DnsMessage With(params IReadOnlyList<DnsRecord> records) => Query with { IsResponse = true, Answers = records, Additional = [] };
}

/// <summary>A name server on loopback, UDP and TCP on one port, that does to each question what a test says.</summary>
internal sealed class FakeDnsServer : IAsyncDisposable
{
    private readonly Socket udp;
    private readonly TcpListener tcp;
    private readonly CancellationTokenSource stop = new();
    private readonly Action<FakeQuestion> answer;
    private readonly Task[] loops;
    private int questions;

    public FakeDnsServer(Action<FakeQuestion> answer)
    {
        this.answer = answer;
        (udp, tcp) = Bind();
        loops = [ServeUdpAsync(), ServeTcpAsync()];
    }

    public IPEndPoint EndPoint => (IPEndPoint)udp.LocalEndPoint!;

    public int Questions => Volatile.Read(ref questions);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(loops);
        udp.Dispose();
        tcp.Dispose();
        stop.Dispose();
    }

    private static (Socket Udp, TcpListener Tcp) Bind()
    {
        while (true)
        {
            var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                socket.Bind(listener.LocalEndpoint);
                return (socket, listener);
            }
            catch (SocketException)
            {
                socket.Dispose();
                listener.Dispose();
            }
        }
    }

    private async Task ServeUdpAsync()
    {
        byte[] buffer = new byte[DnsMessage.MaximumLength];
        try
        {
            while (true)
            {
                SocketReceiveFromResult received = await udp.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), stop.Token);
                Handle(buffer[..received.ReceivedBytes], (IPEndPoint)received.RemoteEndPoint, false, b => udp.SendTo(b, received.RemoteEndPoint));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using TcpClient client = await tcp.AcceptTcpClientAsync(stop.Token);
                NetworkStream stream = client.GetStream();
                byte[] length = new byte[2];
                await stream.ReadExactlyAsync(length, stop.Token);
                byte[] message = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(message, stop.Token);
                Handle(message, (IPEndPoint)client.Client.RemoteEndPoint!, true, b =>
                {
                    stream.Write([(byte)(b.Length >> 8), (byte)b.Length]);
                    stream.Write(b);
                });
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Handle(byte[] bytes, IPEndPoint client, bool overTcp, Action<byte[]> send)
    {
        Interlocked.Increment(ref questions);
        answer(new FakeQuestion(DnsMessage.TryDecode(bytes)!, bytes, client, overTcp, send));
    }
}
