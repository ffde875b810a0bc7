using System.Diagnostics;
using System.Globalization;
using System.Net;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Intake;

/// <summary>Other people's programs bring mail. Each is skipped, with the reason, where it is not installed.</summary>
public sealed class MailToolTests
{
    private const int Messages = 200;

    [ToolFact("python3")]
    public async Task Python_sends_by_smtp_and_lmtp_and_over_tls()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        const string script = """
            import smtplib, ssl, sys
            text = "Subject: from Python\r\n\r\n.leading dot\r\n.\r\nna\u00efve\r\n".encode()
            with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
                s.sendmail("x@y", ["alice@example.org", "bob@example.org"], text, ["BODY=8BITMIME"])
            with smtplib.LMTP("127.0.0.1", int(sys.argv[2])) as s:
                refused = s.sendmail("x@y", ["alice@example.org", "nobody@example.org"], text)
                assert list(refused) == ["nobody@example.org"], refused
            context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
            with smtplib.SMTP("127.0.0.1", int(sys.argv[3])) as s:
                s.starttls(context=context); s.ehlo(); s.login("carol", "secret")
                s.sendmail("x@y", ["alice@example.org"], text)
            """;
        await RunAsync("python3", "-c", script, Port(server.Smtp), Port(server.Lmtp), Port(server.Submission));
        List<string> mail = await server.MailAsync();
        Assert.Equal(3, mail.Count);
        Assert.All(mail, m => Assert.EndsWith("Subject: from Python\r\n\r\n.leading dot\r\n.\r\nna\u00c3\u00afve\r\n", m, StringComparison.Ordinal));
        Assert.Single(await server.MailAsync("bob@example.org"));
    }

    [ToolFact("swaks")]
    public async Task Swaks_sends_with_pipelining_and_is_told_of_a_refusal()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await RunAsync("swaks", "--server", "127.0.0.1", "--port", Port(server.Smtp), "--from", "x@example.net", "--to", "alice@example.org", "--pipeline", "--body", "from swaks");
        await RunAsync("swaks", "--server", "127.0.0.1", "--port", Port(server.Lmtp), "--protocol", "LMTP", "--from", "x@example.net", "--to", "alice+lists@example.org", "--body", "by lmtp");
        Assert.Contains("from swaks", Assert.Single(await server.MailAsync(folderName: "Inbox")), StringComparison.Ordinal);
        Assert.Contains("by lmtp", Assert.Single(await server.MailAsync(folderName: "lists")), StringComparison.Ordinal);
    }

    [ToolFact("smtp-source")]
    public async Task Many_sessions_of_smtp_source_at_once_are_all_there_once()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        string count = Messages.ToString(CultureInfo.InvariantCulture);
        await RunAsync("smtp-source", "-L", "-s", "20", "-m", count, "-l", "4000", "-f", "x@example.net", "-t", "alice@example.org", $"127.0.0.1:{Port(server.Lmtp)}");
        await RunAsync("smtp-source", "-s", "20", "-m", count, "-l", "4000", "-f", "x@example.net", "-t", "alice@example.org", $"127.0.0.1:{Port(server.Smtp)}");
        Assert.Equal(2 * Messages, (await server.MailAsync()).Count);
    }

    private static string Port(IPEndPoint address) => address.Port.ToString(CultureInfo.InvariantCulture);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}.\n{await output}\n{await errors}");
    }
}
