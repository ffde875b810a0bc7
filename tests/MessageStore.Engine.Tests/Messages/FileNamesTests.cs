using System.Text;
using System.Text.RegularExpressions;
using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class FileNamesTests
{
    private const int Seed = 4711;

    [Theory]
    [InlineData("joe@example.org", "joe@example.org")]
    [InlineData("Joe", "joe")]
    [InlineData("CON", "%63on")]
    [InlineData("nul.txt", "%6eul.txt")]
    [InlineData("Com1.x.y", "%63om1.x.y")]
    [InlineData("com10", "com10")]
    [InlineData("console", "console")]
    [InlineData("../../etc", "%2e.%2f..%2fetc")]
    [InlineData(".hidden.", "%2ehidden%2e")]
    [InlineData("a b%c~d", "a%20b%25c%7ed")]
    [InlineData("ü", "%c3%9c")]
    public void A_name_becomes_one_safe_component(string name, string component) => Assert.Equal(component, FileNames.Escape(name));

    [Fact]
    public void A_long_name_is_cut_and_told_apart_by_its_digest()
    {
        string one = FileNames.Escape(new string('x', 200) + "1");
        string two = FileNames.Escape(new string('x', 200) + "2");
        Assert.Equal(117, one.Length);
        Assert.Equal(one[..101], two[..101]);
        Assert.NotEqual(one, two);
        Assert.Equal(one, FileNames.Escape(new string('X', 200) + "1"));
        Assert.Equal(120, FileNames.Escape(new string('x', 120)).Length);
    }

    [Fact]
    public void Every_character_gets_the_component_that_its_equals_get()
    {
        var names = new Dictionary<string, string>();
        for (int c = 1; c < 0x11000; c++)
        {
            if (c is >= 0xD800 and < 0xE000) continue;
            string name = "x" + char.ConvertFromUtf32(c);
            string component = FileNames.Escape(name);
            if (names.TryGetValue(component, out string? other)) Assert.True(MailboxNames.Comparer.Equals(name, other), $"U+{c:X4}");
            else names.Add(component, name);
        }
        var classes = names.Values.ToHashSet(MailboxNames.Comparer);
        Assert.Equal(names.Count, classes.Count);
    }

    [Fact]
    public void Random_names_are_safe_and_never_collide()
    {
        var random = new Random(Seed);
        string[] pieces = ["a", "B", ".", "..", "/", "\\", "%", "~", "con", "COM1", "nul", " ", "é", "É", "ß", "📬", "%2e", "2e", "x", "0", new string('y', 60)];
        var seen = new Dictionary<string, string>();
        for (int round = 0; round < 50_000; round++)
        {
            string name = string.Concat(Enumerable.Range(0, random.Next(1, 7)).Select(_ => pieces[random.Next(pieces.Length)]));
            string component = FileNames.Escape(name);
            Assert.Matches("^[a-z0-9@_+%-][a-z0-9@_+.%~-]*$", component);
            Assert.DoesNotMatch(new Regex(@"^(con|prn|aux|nul|com\d|lpt\d)(\.|$)", RegexOptions.IgnoreCase), component);
            Assert.False(component.EndsWith('.'), $"seed {Seed}: {name}");
            Assert.InRange(Encoding.UTF8.GetByteCount(component), 1, FileNames.LengthLimit);
            if (!seen.TryAdd(component, name)) Assert.True(MailboxNames.Comparer.Equals(seen[component], name), $"seed {Seed}: {name}");
        }
    }
}
