using System.Net.Sockets;
using System.Text;
using MessageStore.IO;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.IO;

/// <summary>What the machine's administrator gets to see, as a syslog daemon would receive it.</summary>
public sealed class SyslogTests : IDisposable
{
    private readonly TemporaryFolder place = new();

    [Fact]
    public void An_error_arrives_as_one_datagram_of_facility_daemon_and_severity_error()
    {
        if (OperatingSystem.IsWindows()) return;
        using var daemon = new SyslogDaemon(place["log"]);
        var log = new Syslog(place["log"], new FixedClock(new DateTimeOffset(2026, 3, 9, 8, 5, 7, TimeSpan.Zero)));
        Assert.Equal("", log.Error("BackupTooOld", "The newest backup of /db is old.\n<0>forged"));
        DateTime local = new DateTimeOffset(2026, 3, 9, 8, 5, 7, TimeSpan.Zero).ToLocalTime().DateTime;
        string day = local.Day < 10 ? $" {local.Day}" : $"{local.Day}";
        Assert.Equal($"<27>Mar {day} {local:HH}:{local:mm}:07 MessageStore[{Environment.ProcessId}]: BackupTooOld: The newest backup of /db is old. <0>forged", daemon.Receive());
    }

    [Fact]
    public void A_long_text_is_cut_between_two_characters_at_a_kibibyte()
    {
        if (OperatingSystem.IsWindows()) return;
        using var daemon = new SyslogDaemon(place["log"]);
        foreach (string before in (string[])["", "a", "ab"])
        {
            Assert.Equal("", new Syslog(place["log"], TimeProvider.System).Error("BackupTooOld", before + new string('\u20ac', 2000)));
            string line = daemon.Receive();
            Assert.InRange(Encoding.UTF8.GetByteCount(line), 1022, 1024);
            Assert.EndsWith("\u20ac", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_machine_without_syslog_is_told_why_and_nothing_fails()
    {
        if (OperatingSystem.IsWindows()) return;
        Assert.StartsWith(place["nowhere"] + ": ", new Syslog(place["nowhere"], TimeProvider.System).Error("BackupTooOld", "old"), StringComparison.Ordinal);
        string longer = place[new string('x', 200)]; // than an address of a socket can be
        Assert.StartsWith(longer + ": ", new Syslog(longer, TimeProvider.System).Error("BackupTooOld", "old"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_daemon_that_does_not_read_keeps_nobody_waiting()
    {
        if (OperatingSystem.IsWindows()) return;
        using var daemon = new SyslogDaemon(place["log"]);
        var log = new Syslog(place["log"], TimeProvider.System);
        string whyNot = "";
        for (int i = 0; i < 1_000_000 && whyNot.Length == 0; i++) whyNot = log.Error("BackupTooOld", new string('x', 900));
        Assert.NotEqual("", whyNot);
    }

    public void Dispose() => place.Dispose();

    private sealed class SyslogDaemon : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 120_000 };

        public SyslogDaemon(string path) => socket.Bind(new UnixDomainSocketEndPoint(path));

        public string Receive()
        {
            byte[] buffer = new byte[4096];
            return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
        }

        public void Dispose() => socket.Dispose();
    }
}
