using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MessageStore.Server.Serving;

/// <summary>
/// The Unix socket at which a server answers for its database: beside the lock, open to the server's own user alone. Where the path would be too long for a
/// socket it lies in a temporary folder of that user instead; the note beside the lock says where.
/// </summary>
internal sealed class ServerSocket : IDisposable
{
    public const string FileName = "database.sock";

    /// <summary>The longest path of a socket that all systems take, in bytes of UTF-8 (macOS: 104 with the zero at its end).</summary>
    public const int LongestPath = 103;

    private readonly string? folder;

    private ServerSocket(string path, string? folder)
    {
        Path = path;
        this.folder = folder;
    }

    public string Path { get; }

    /// <summary>Finds a place for the socket of a database that this process owns, and clears away what a killed server left there.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter: no place is short enough.</exception>
    public static ServerSocket For(string databasePath)
    {
        string beside = System.IO.Path.Combine(databasePath, FileName);
        if (Encoding.UTF8.GetByteCount(beside) <= LongestPath)
        {
            File.Delete(beside);
            return new ServerSocket(beside, null);
        }
        string folder = Directory.CreateTempSubdirectory("messagestore-").FullName; // ours alone, and never there before
        string path = System.IO.Path.Combine(folder, FileName);
        if (Encoding.UTF8.GetByteCount(path) <= LongestPath) return new ServerSocket(path, folder);
        Directory.Delete(folder);
        throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
            $"Neither {beside} nor a name in the temporary folder is short enough for a socket ({LongestPath} bytes). Set TMPDIR to a shorter folder.", beside);
    }

    /// <summary>How a server takes turns with those who are connected.</summary>
    public static void Configure(SocketTransportOptions sockets)
    {
        sockets.CreateBoundListenSocket = Bind;
        // Who receives goes on with what came instead of handing it over. The thread is the pool's, nobody else's turn waits for it.
        sockets.UnsafePreferInlineScheduling = true;
        // An idle connection keeps a block of its pool, 4 KiB or 32 where messages are given out, and a busy one saves a system call for each turn.
        sockets.WaitForDataBeforeAllocatingBuffer = false;
    }

    /// <summary>Makes the socket that Kestrel listens at. Nobody can connect before it listens, so nobody meets it without its mode.</summary>
    private static Socket Bind(EndPoint endPoint)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        if (endPoint is UnixDomainSocketEndPoint unix && !OperatingSystem.IsWindows()) File.SetUnixFileMode(unix.ToString(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return socket;
    }

    public void Dispose()
    {
        File.Delete(Path);
        if (folder is not null) Directory.Delete(folder);
    }
}
