using System.Globalization;
using System.Text;

namespace MessageStore.Server.Intake;

/// <summary>Reads what follows a command's word.</summary>
internal static class CommandArguments
{
    /// <summary>Reads <c>FROM:&lt;path&gt; parameters</c>; spaces before the path are forgiven.</summary>
    public static bool TryPath(string text, string word, out string path, out string[] parameters)
    {
        path = "";
        parameters = [];
        if (!text.StartsWith(word, StringComparison.OrdinalIgnoreCase)) return false;
        string rest = text[word.Length..].TrimStart(' ');
        if (rest.Length < 2 || rest[0] != '<') return false;
        int end = EndOfPath(rest);
        if (end < 0 || end + 1 < rest.Length && rest[end + 1] != ' ') return false;
        path = rest[1..end];
        parameters = rest[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return true;
    }

    /// <summary>Reads a number of bytes: digits only, at most twenty of them (RFC 1870 §6).</summary>
    public static bool TryLength(string text, out long length) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length);

    /// <summary>Reads the response of PLAIN (RFC 4616): authorization identity, name and password, parted by zeros.</summary>
    public static bool TryPlain(string base64, out string name, out string password)
    {
        name = password = "";
        byte[] bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out int length)) return false;
        string[] parts = Encoding.UTF8.GetString(bytes, 0, length).Split('\0');
        // Nobody acts for somebody else here.
        if (parts.Length != 3 || parts[1].Length == 0 || parts[0].Length > 0 && parts[0] != parts[1]) return false;
        (name, password) = (parts[1], parts[2]);
        return true;
    }

    /// <summary>Where the angle bracket closes: one in quotes does not count.</summary>
    private static int EndOfPath(string text)
    {
        bool quoted = false;
        for (int at = 1; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '\\' when quoted:
                    at++;
                    break;
                case '"':
                    quoted = !quoted;
                    break;
                case '>' when !quoted:
                    return at;
            }
        }
        return -1;
    }
}
