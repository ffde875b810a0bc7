using MessageStore.Server.Nodes;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>Who knows the shared key, and nobody else.</summary>
public sealed class NodeKeyTests
{
    [Theory]
    [InlineData(32)]
    [InlineData(63)]
    [InlineData(64)] // nothing to fill
    [InlineData(65)]
    [InlineData(4000)] // the longest key file
    public void Only_the_whole_key_is_the_key(int length)
    {
        string key = string.Create(length, length, static (span, seed) =>
        {
            var random = new Random(seed);
            foreach (ref char c in span) c = (char)random.Next('!', '~');
        });
        var node = new NodeKey(key);
        Assert.True(node.IsShownBy($"Bearer {key}"));
        Assert.True(node.IsShownBy($"bearer {key}")); // RFC 9110, section 11.1: schemes have no case
        for (int at = 0; at < length; at += Math.Max(1, length / 50))
        {
            char[] other = key.ToCharArray();
            other[at]++;
            Assert.False(node.IsShownBy($"Bearer {new string(other)}"));
        }
        foreach (string? wrong in (string?[])[null, "", "Bearer", "Bearer ", key, $"Basic {key}", $"Bearer {key[..^1]}", $"Bearer {key[1..]}", $"Bearer {key}x", $"Bearer {key}{key}", $"Bearer  {key}", $"Bearer {key}\u00e4", $"Bearer {new string('x', 8000)}"])
            Assert.False(node.IsShownBy(wrong));
    }
}
