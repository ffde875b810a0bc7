using System.Security.Cryptography;
using System.Text;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Bench;

/// <summary>Messages that compress as mail does (half words, half base64), and a fast way to put many of them into a group with the digests that they really have.</summary>
internal static class BenchMail
{
    private const int Different = 64;
    private const int Window = 512;

    public static byte[][] Bodies(int size) => [.. Enumerable.Range(0, Different).Select(seed => Body(size, seed))];

    /// <summary>Appends messages round-robin to mailboxes <c>{prefix}0</c>, <c>{prefix}1</c> …, which are created where missing.</summary>
    public static async Task FillAsync(StorageGroup group, int messages, int size, int mailboxes, string prefix = "m")
    {
        var numbers = new int[mailboxes];
        await Parallel.ForAsync(0, mailboxes, async (m, token) => (numbers[m], _) = await group.CreateMailboxAsync($"{prefix}{m}", token).ConfigureAwait(false)).ConfigureAwait(false);
        (byte[] Bytes, UInt128Bytes Low, UInt128Bytes High)[] bodies = [.. Bodies(size).Select(b =>
        {
            byte[] sha256 = SHA256.HashData(b);
            return (b, UInt128Bytes.Read(sha256), UInt128Bytes.Read(sha256.AsSpan(16)));
        })];
        var window = new Task[Window];
        Array.Fill(window, Task.CompletedTask);
        for (int i = 0; i < messages; i++)
        {
            int place = i % Window;
            await window[place].ConfigureAwait(false);
            (byte[] bytes, UInt128Bytes low, UInt128Bytes high) = bodies[i % bodies.Length];
            var image = new ImageHeader
            {
                Id = Guid.CreateVersion7(),
                DigestLow = low,
                DigestHigh = high,
                ReceivedTicks = DateTimeOffset.UnixEpoch.UtcTicks + i,
                BodyLength = bytes.Length,
                Mailbox = numbers[i % mailboxes],
            };
            var summary = new MessageSummary("Joe <joe@example.org>", "ann@example.org", $"message {i}", $"<{i}@bench>", null, null, false);
            window[place] = group.AppendAsync(image, summary, MessageBody.FromMemory(bytes), CancellationToken.None);
        }
        await Task.WhenAll(window).ConfigureAwait(false);
    }

    private static byte[] Body(int size, int seed)
    {
        var random = new Random(seed);
        string[] words = [.. Enumerable.Range(0, 3000).Select(i => new string([.. Enumerable.Range(0, 3 + i % 8).Select(_ => (char)('a' + random.Next(26)))]))];
        var text = new StringBuilder("From: Joe <joe@example.org>\nTo: ann@example.org\nSubject: a message for measuring\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n\n");
        byte[] noise = new byte[57];
        while (text.Length < size)
        {
            if (text.Length < size / 2)
            {
                for (int i = 0; i < 10; i++) text.Append(words[(int)(words.Length * random.NextDouble() * random.NextDouble())]).Append(' ');
            }
            else
            {
                random.NextBytes(noise);
                text.Append(Convert.ToBase64String(noise));
            }
            text.Append('\n');
        }
        return Encoding.ASCII.GetBytes(string.Concat(text.ToString(0, size - 1), "\n"));
    }
}
