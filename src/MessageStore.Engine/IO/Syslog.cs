using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MessageStore.IO;

/// <summary>
/// Syslog by the datagram socket of this machine's daemon, in the form of RFC 3164 that such sockets are given by syslog(3): without a host name, which the daemon knows. One datagram:
/// <code>&lt;27&gt;Nov 29 08:05:09 MessageStore[4711]: BackupTooOld: The newest backup of ...</code>
/// 27 is facility daemon (3) times eight and severity error (3); the time is local; 1,024 bytes of UTF-8 at most (RFC 3164 section 4.1).
/// </summary>
/// <param name="path">The daemon's socket.</param>
/// <param name="clock">Gives the time that the line names.</param>
internal sealed class Syslog(string path, TimeProvider clock) : ISystemLog
{
    public const string DefaultPath = "/dev/log";

    /// <summary>Environment variable that names another socket.</summary>
    public const string PathVariable = "MESSAGESTORE_SYSLOG";

    private const int FacilityDaemon = 3;
    private const int SeverityError = 3;
    private const int MostBytes = 1024;

    public string Error(string errorId, string message)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false }; // a daemon that hangs must not hang us
            socket.SendTo(Line(errorId, message), new UnixDomainSocketEndPoint(path));
            return "";
        }
        catch (Exception error) when (error is SocketException or ArgumentException or PlatformNotSupportedException)
        {
            return $"{path}: {error.Message}";
        }
    }

    private byte[] Line(string errorId, string message)
    {
        DateTimeOffset now = clock.GetLocalNow();
        string day = now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2); // RFC 3164: padded with a space
        string line = string.Create(CultureInfo.InvariantCulture,
            $"<{FacilityDaemon * 8 + SeverityError}>{now:MMM} {day} {now:HH:mm:ss} {SystemLog.Source}[{Environment.ProcessId}]: {errorId}: {message}");
        // A line break would begin a line that anybody who names a path could write.
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(line.Select(c => char.IsControl(c) ? ' ' : c)));
        if (bytes.Length <= MostBytes) return bytes;
        int length = MostBytes;
        while ((bytes[length] & 0xC0) == 0x80) length--; // not within a character
        return bytes[..length];
    }
}
