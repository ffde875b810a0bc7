using MessageStore.Server.Intake;

namespace MessageStore.Server.Tests.Intake;

public sealed class MailAddressTests
{
    [Theory]
    [InlineData("a@b", "a", "b")]
    [InlineData("a.b+c=d@Sub.Example.ORG", "a.b+c=d", "sub.example.org")]
    [InlineData("\"a b\\\"c@d\"@example.org", "a b\"c@d", "example.org")]
    [InlineData("@one,@two:a@example.org", "a", "example.org")]
    [InlineData("a@[192.0.2.1]", "a", "[192.0.2.1]")]
    [InlineData("a@[IPv6:2001:db8::1]", "a", "[ipv6:2001:db8::1]")]
    [InlineData("Postmaster", "Postmaster", "")]
    [InlineData("Дарья@пример.рф", "Дарья", "пример.рф")]
    public void Is_an_address(string text, string local, string domain) => Assert.Equal(new MailAddress(local, domain), MailAddress.TryParse(text, allowUnicode: true));

    [Theory]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("a@")]
    [InlineData("@b")]
    [InlineData("alice")]
    [InlineData("a b@c")]
    [InlineData("a@b c")]
    [InlineData("a@b..c")]
    [InlineData("a@-b")]
    [InlineData("a@b@c")]
    [InlineData("\"a@b")]
    [InlineData("\"\"@b")]
    [InlineData("a\u0001@b")]
    [InlineData("a@[1]2]")]
    public void Is_none(string text) => Assert.Null(MailAddress.TryParse(text, allowUnicode: true));

    [Fact]
    public void Other_scripts_need_leave() => Assert.Null(MailAddress.TryParse("Дарья@example.org", allowUnicode: false));

    [Fact]
    public void What_is_too_long_is_none() => Assert.Null(MailAddress.TryParse(new string('a', 600) + "@example.org", allowUnicode: false));
}
