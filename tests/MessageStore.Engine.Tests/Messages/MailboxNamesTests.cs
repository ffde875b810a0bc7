using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class MailboxNamesTests
{
    [Theory]
    [InlineData("joe@example.org")]
    [InlineData("CON")]
    [InlineData("Jürgen Groß")]
    [InlineData("受信箱")]
    [InlineData("📬 mail 👩‍🚀")]
    [InlineData("a:b*c?d\"e<f>g|h%i")]
    [InlineData("..joe..")]
    public void Free_text_is_accepted_everywhere(string name)
    {
        Assert.Same(name, MailboxNames.CheckMailbox(name));
        Assert.Same(name, MailboxNames.CheckStorageGroup(name));
        Assert.Same(name, MailboxNames.CheckFolder(name));
    }

    [Theory]
    [InlineData(null, "empty")]
    [InlineData("", "empty")]
    [InlineData(" \t", "empty")]
    [InlineData(" joe", "white space")]
    [InlineData("joe\u00a0", "white space")]
    [InlineData("..", "dots")]
    [InlineData(".", "dots")]
    [InlineData("a\u0000b", "U+0000 at position 2")]
    [InlineData("a\u001b[31mb", "U+001B")]
    [InlineData("a\u0085b", "U+0085")]
    [InlineData("a\u2028b", "U+2028")]
    public void Bad_names_are_refused_everywhere_saying_why(string? name, string why)
    {
        foreach (Func<string?, string> check in new Func<string?, string>[] { MailboxNames.CheckMailbox, MailboxNames.CheckStorageGroup, MailboxNames.CheckFolder })
        {
            var error = Assert.Throws<MessageStoreException>(() => check(name));
            Assert.Equal(ErrorIds.InvalidName, error.ErrorId);
            Assert.Contains(why, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\u001b', error.Message);
        }
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        foreach (string name in new[] { "a\ud83d", "\ud83dx", "\udcecb", "\udcec\ud83d" })
            Assert.Contains("surrogate", Assert.Throws<MessageStoreException>(() => MailboxNames.CheckMailbox(name)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_may_have_255_characters_and_no_more()
    {
        Assert.Equal(255, MailboxNames.CheckMailbox(new string('x', 255)).Length);
        var error = Assert.Throws<MessageStoreException>(() => MailboxNames.CheckMailbox(new string('x', 300)));
        Assert.Contains("300", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../etc")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    public void Path_separators_are_refused_in_mailboxes_and_groups(string name)
    {
        Assert.Equal(ErrorIds.InvalidName, Assert.Throws<MessageStoreException>(() => MailboxNames.CheckMailbox(name)).ErrorId);
        Assert.Equal(ErrorIds.InvalidName, Assert.Throws<MessageStoreException>(() => MailboxNames.CheckStorageGroup(name)).ErrorId);
    }

    [Fact]
    public void Folders_form_a_hierarchy()
    {
        Assert.Equal("Sent/2020", MailboxNames.CheckFolder("Sent/2020"));
        Assert.Equal("Inbox", MailboxNames.CheckFolder("INBOX"));
        foreach (string name in new[] { "/a", "a/", "a//b", "../../etc", "a/./b", "a/ b", "a /b" })
            Assert.Equal(ErrorIds.InvalidName, Assert.Throws<MessageStoreException>(() => MailboxNames.CheckFolder(name)).ErrorId);
    }
}
