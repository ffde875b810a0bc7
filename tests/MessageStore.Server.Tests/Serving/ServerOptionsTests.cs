using System.Net;
using MessageStore.Server.Intake;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Serving;

public sealed class ServerOptionsTests
{
    [Fact]
    public void File_environment_and_command_line_come_together_and_the_later_wins()
    {
        using var folder = new TemporaryFolder();
        folder.Write("server.json", """
            {
              "Listen": { "Lmtp": ["127.0.0.1:2400", "[::1]:2400"], "Smtp": "127.0.0.1:2500" },
              "HostName": "file.example",
              "Recipients": { "Domains": ["example.org"], "Unknown": "create", "Aliases": { "postmaster": ["alice@example.org"] } },
              "Limits": { "IdleTime": "00:01:00" },
              "Web": { "Listen": "127.0.0.1:8025", "Hosts": ["mail.example"] },
              "Health": { "MaximumBackupAge": "02:00:00", "MaximumMissingCopies": 5 },
              "Telemetry": { "Otlp": "http://127.0.0.1:4318" }
            }
            """u8);
        ServerOptions options = ServerOptions.Read(folder.Path, null, null, [new("HostName", "line.example"), new("Listen:Smtp", ""), new("Web:Listen", "127.0.0.1:0")]);
        Assert.Equal("line.example", options.Intake.HostName);
        Assert.Equal([new IPEndPoint(IPAddress.Loopback, 2400), new IPEndPoint(IPAddress.IPv6Loopback, 2400)], options.Intake.Listeners.Select(l => l.Address));
        Assert.Equal(UnknownRecipients.Create, options.Intake.Recipients.Unknown);
        Assert.Equal(["alice@example.org"], options.Intake.Recipients.Aliases["Postmaster"]);
        Assert.Equal(TimeSpan.FromMinutes(1), options.Intake.Limits.IdleTime);
        Assert.Equal(new IntakeLimits().MessageBytes, options.Intake.Limits.MessageBytes);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 0), options.Web?.EndPoint);
        Assert.Equal(["mail.example"], options.Web!.HostNames);
        Assert.Equal((TimeSpan.FromHours(2), 5), (options.Health.MaximumBackupAge, options.Health.MaximumMissingCopies));
        Assert.Equal(new Uri("http://127.0.0.1:4318"), options.Telemetry.Otlp);
        Assert.Null(ServerOptions.Read(folder.Path, null, null, [new("Web:Listen", "")]).Web);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        using var folder = new TemporaryFolder();
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => ServerOptions.Read(folder.Path, null, null,
        [
            new("Listen:Lmtp", "0.0.0.0:24"), new("Listen:Smtp", "nonsense"), new("Listen:Submission", "127.0.0.1:587"), new("Lisssten", "1"), new("Limits:Sessions", "-1"), new("Limits:IdleTime", "soon"),
            new("Recipients:Unknown", "maybe"), new("Users:carol", "secret"), new("Recipients:Aliases:a", "b c"), new("Tls:Certificate", "/nowhere.pem"),
            new("Web:Listen", "0.0.0.0:8025"), new("Web:Certificate", "/nowhere-either.pem"), new("Web:Hots", "x"), new("Health:MaximumBackupAge", "old"), new("Telemetry:Otlp", "collector"),
        ]));
        Assert.Equal(ErrorIds.ConfigurationInvalid, error.ErrorId);
        foreach (string part in (string[])["Listen:Lmtp is 0.0.0.0:24", "Listen:Smtp is 'nonsense'", "Listen:Submission needs a certificate", "Lisssten is no setting", "Limits:Sessions is '-1'", "Limits:IdleTime is 'soon'",
            "Recipients:Unknown is 'maybe'", "Users:carol is no password hash", "Recipients:Aliases:a leads to 'b c'", "Tls:Certificate is /nowhere.pem", "Web:Listen is 0.0.0.0:8025", "Web:Certificate is /nowhere-either.pem",
            "Web:Hots is no setting", "Health:MaximumBackupAge is 'old'", "Telemetry:Otlp is 'collector'"])
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.Equal(15, error.Message.Split(Environment.NewLine).Length);
    }

    [Fact]
    public void Plaintext_beyond_loopback_must_be_asked_for()
    {
        using var folder = new TemporaryFolder();
        ServerOptions options = ServerOptions.Read(folder.Path, null, null, [new("Listen:Lmtp", "0.0.0.0:24"), new("AllowPlaintext", "true")]);
        Assert.True(Assert.Single(options.Intake.Listeners).AllowPlaintext);
    }

    [Fact]
    public void A_password_matches_its_hash_alone()
    {
        string hash = PasswordHash.Create("secret");
        Assert.True(PasswordHash.IsValid(hash));
        Assert.True(PasswordHash.Matches(hash, "secret"));
        Assert.False(PasswordHash.Matches(hash, "Secret"));
        Assert.False(PasswordHash.Matches("pbkdf2-sha256$x$y$z", ""));
    }
}
