using MessageStore.Server.Intake;

namespace MessageStore.Server.Tests.Intake;

public sealed class RecipientsTests
{
    private static readonly string[] Mailboxes = ["alice@example.org", "bob@example.org", "a+b@example.org", "*@example.org"];

    [Theory]
    [InlineData("alice@example.org", "alice@example.org/Inbox")]
    [InlineData("ALICE@EXAMPLE.org", "ALICE@example.org/Inbox")]
    [InlineData("alice+lists@example.org", "alice@example.org/lists")]
    [InlineData("alice+lists/dotnet@example.org", "alice@example.org/lists/dotnet")]
    [InlineData("alice+..@example.org", "alice@example.org/Inbox")]
    [InlineData("a+b@example.org", "a+b@example.org/Inbox")]
    [InlineData("a+b+c@example.org", null)]
    [InlineData("nobody@example.org", null)]
    [InlineData("nobody+lists@example.org", null)]
    [InlineData("*@example.org", "*@example.org/Inbox")]
    [InlineData("alice@elsewhere.example", null)]
    [InlineData("staff@example.org", "alice@example.org/Inbox bob@example.org/team")]
    [InlineData("postmaster", "bob@example.org/Inbox")]
    [InlineData("round@example.org", null)]
    public void An_address_leads_to(string address, string? expected)
    {
        var options = new RecipientOptions
        {
            Domains = ["example.org"],
            Aliases = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase)
            {
                ["staff@example.org"] = ["alice@example.org", "bob+team@example.org", "alice@example.org"],
                ["Postmaster"] = ["bob@example.org"],
                ["round@example.org"] = ["round@example.org"],
            },
        };
        Assert.Equal(expected, Resolve(options, address));
    }

    [Fact]
    public void Whoever_is_unknown_gets_a_mailbox_where_that_is_the_rule()
    {
        var options = new RecipientOptions { Unknown = UnknownRecipients.Create };
        Assert.Equal("zoe@example.org/Inbox", Resolve(options, "zoe@example.org"));
        Assert.Equal("zoe@example.org/lists", Resolve(options, "zoe+lists@example.org"));
        Assert.Null(Resolve(options, "\"a/b\"@example.org"));
    }

    [Fact]
    public void A_mailbox_may_be_named_by_what_stands_before_the_at() =>
        Assert.Equal("alice/lists", Resolve(new RecipientOptions { Naming = MailboxNaming.LocalPart, Unknown = UnknownRecipients.Create }, "alice+lists@example.org"));

    [Fact]
    public void Nobody_is_refused_for_good_while_a_storage_group_is_not_open()
    {
        var recipients = new Recipients(new RecipientOptions(), _ => null);
        Assert.Equal(Reply.TryLater, recipients.Resolve(MailAddress.TryParse("alice@example.org", false)!).Refusal);
    }

    private static string? Resolve(RecipientOptions options, string address)
    {
        var recipients = new Recipients(options, name => Mailboxes.Contains(name, StringComparer.OrdinalIgnoreCase));
        (IReadOnlyList<Destination> destinations, Reply? refusal) = recipients.Resolve(MailAddress.TryParse(address, allowUnicode: true)!);
        return refusal is null ? string.Join(' ', destinations.Select(d => $"{d.Mailbox}/{d.Folder}")) : null;
    }
}
