using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Writer;

/// <summary>Messages that say themselves whether they are whole, so that one that was stored and never acknowledged can be judged too.</summary>
internal static class WriterMail
{
    private const string Rest = "X-Rest: ";

    /// <summary>A message of a random size: mostly small, one in a thousand so large (1 MiB and more) that it is stored in parts.</summary>
    public static byte[] Make(string name, Random random) => Make(name, random, Size(random));

    /// <param name="size">Bytes below the header.</param>
    public static byte[] Make(string name, Random random, int size)
    {
        byte[] body = new byte[size];
        random.NextBytes(body);
        string head = string.Create(CultureInfo.InvariantCulture,
            $"From: {name}@example.com\r\nTo: reader@example.com\r\nSubject: message {name}\r\nMessage-ID: <{name}@writer>\r\n{Rest}{size} {Convert.ToHexStringLower(SHA256.HashData(body))}\r\n\r\n");
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    /// <summary>Whether what lies below the header is what the header says.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> message)
    {
        int end = message.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        string head = Encoding.ASCII.GetString(message[..end]);
        int at = head.IndexOf(Rest, StringComparison.Ordinal);
        if (at < 0) return false;
        string[] words = head[(at + Rest.Length)..].Split(' ');
        ReadOnlySpan<byte> body = message[(end + 4)..];
        return words.Length == 2 && words[0] == body.Length.ToString(CultureInfo.InvariantCulture)
            && words[1] == Convert.ToHexStringLower(SHA256.HashData(body));
    }

    private static int Size(Random random) => random.Next(1000) switch
    {
        0 => random.Next(1 << 20, 3 << 19),
        < 6 => random.Next(200_000),
        < 60 => random.Next(40_000),
        _ => random.Next(4_000),
    };
}
