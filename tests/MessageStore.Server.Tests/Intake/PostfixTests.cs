using System.Text.RegularExpressions;
using MessageStore.Server.Tests.Support;

namespace MessageStore.Server.Tests.Intake;

/// <summary>Postfix in front of the server, as docs/server.md says.</summary>
public sealed partial class PostfixTests
{
    private const int Messages = 200;

    [PostfixFact]
    public async Task Postfix_delivers_over_LMTP_each_message_once_and_is_told_of_who_is_not_there()
    {
        await using IntakeFixture server = await IntakeFixture.StartAsync();
        await using PostfixInstance postfix = await PostfixInstance.StartAsync(server.Lmtp);
        await postfix.SendAsync(Messages, sessions: 10, bytes: 4000, "alice@example.org");
        await postfix.SendAsync(1, sessions: 1, bytes: 100, "bob+Lists@example.org");
        await postfix.SendAsync(1, sessions: 1, bytes: 100, "nobody@example.org");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        Assert.Contains("nobody@example.org", Assert.Single(await postfix.DrainAsync(Messages + 2, patience.Token)), StringComparison.Ordinal);

        List<string> mail = await server.MailAsync();
        Assert.Equal(Messages, mail.Count);
        // As it came: Postfix has written the trace, and we add nothing.
        Assert.All(mail, static m => Assert.StartsWith("Received: ", m, StringComparison.Ordinal));
        Assert.Equal(Messages, mail.Select(static m => QueueId().Match(m).Groups[1].Value).Distinct(StringComparer.Ordinal).Count());
        Assert.Single(await server.MailAsync("bob@example.org", "Lists"));
        string log = await postfix.LogAsync();
        Assert.Contains("to=<nobody@example.org>", log, StringComparison.Ordinal);
        Assert.Contains("550 5.1.1 There is no such mailbox", log, StringComparison.Ordinal);
        Assert.DoesNotContain("status=deferred", log.Replace("to=<x@example.net>", "", StringComparison.Ordinal).Split('\n').Where(static l => l.Contains("@example.org>", StringComparison.Ordinal)).Aggregate("", static (all, l) => all + l), StringComparison.Ordinal);
    }

    /// <summary>Postfix' own name of a message, in the Received field that it wrote.</summary>
    [GeneratedRegex(@"by relay\.example\.org \(Postfix\) with E?SMTP id (\S+)\r\n")]
    private static partial Regex QueueId();
}
