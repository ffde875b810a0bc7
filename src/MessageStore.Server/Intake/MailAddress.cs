using System.Buffers;
using System.Text;

namespace MessageStore.Server.Intake;

/// <summary>A mailbox address of an envelope (RFC 5321 §4.1.2, RFC 6531). The local part is without quotes.</summary>
/// <param name="LocalPart">What stands before the @.</param>
/// <param name="Domain">What stands behind it; empty for the bare <c>Postmaster</c>.</param>
internal sealed record MailAddress(string LocalPart, string Domain)
{
    /// <summary>Longest address in characters (RFC 5321 §4.5.3.1.3: a path of 256 octets with its angle brackets; more for other scripts).</summary>
    private const int Longest = 512;

    /// <summary>What needs quotes (RFC 5322 §3.2.3).</summary>
    private static readonly SearchValues<char> Special = SearchValues.Create("()<>[]:;,\\\" ");

    public override string ToString() => Domain.Length == 0 ? LocalPart : $"{LocalPart}@{Domain}";

    /// <summary>Reads <c>local@domain</c>, with or without a source route (ignored, as RFC 5321 appendix C wants it).</summary>
    /// <returns><see langword="null"/> where it is none.</returns>
    public static MailAddress? TryParse(string text, bool allowUnicode)
    {
        if (text.StartsWith('@') && text.IndexOf(':', StringComparison.Ordinal) is > 0 and int colon) text = text[(colon + 1)..];
        if (text.Length is 0 or > Longest || text.Any(c => char.IsControl(c) || c > 127 && !allowUnicode)) return null;
        string? local = text[0] == '"' ? Quoted(text, out int at) : Atom(text, out at);
        if (string.IsNullOrEmpty(local)) return null;
        if (at == text.Length) return local.Equals("postmaster", StringComparison.OrdinalIgnoreCase) ? new MailAddress(local, "") : null;
        string domain = text[(at + 1)..];
        return text[at] == '@' && IsDomain(domain) ? new MailAddress(local, domain.ToLowerInvariant()) : null;
    }

    private static string? Atom(string text, out int end)
    {
        end = text.IndexOf('@', StringComparison.Ordinal);
        if (end < 0) end = text.Length;
        string atom = text[..end];
        return atom.AsSpan().ContainsAny(Special) ? null : atom;
    }

    private static string? Quoted(string text, out int end)
    {
        var local = new StringBuilder();
        for (end = 1; end < text.Length; end++)
        {
            if (text[end] == '"')
            {
                end++;
                return local.ToString();
            }
            if (text[end] == '\\' && ++end == text.Length) return null;
            local.Append(text[end]);
        }
        return null;
    }

    /// <summary>A host name, or an address literal in brackets.</summary>
    private static bool IsDomain(string domain)
    {
        if (domain.Length is 0 or > 255) return false;
        if (domain[0] == '[') return domain[^1] == ']' && domain.Length > 2 && !domain.AsSpan(1, domain.Length - 2).ContainsAny("[]\\ ");
        return domain.Split('.').All(label => label.Length is > 0 and <= 63 && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || c > 127));
    }
}
