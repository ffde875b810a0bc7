namespace MessageStore.Messages;

/// <summary>Name patterns as administrators write them: <c>*</c> any run of characters, <c>?</c> any one; letter case is ignored.</summary>
internal static class Wildcard
{
    public static bool IsPattern(string text) => text.AsSpan().IndexOfAny('*', '?') >= 0;

    /// <summary>Whether the whole of <paramref name="text"/> matches. Time is at most the product of both lengths.</summary>
    public static bool Matches(string pattern, string text)
    {
        int p = 0, t = 0, star = -1, resume = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                resume = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || char.ToUpperInvariant(pattern[p]) == char.ToUpperInvariant(text[t])))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }
        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }

    /// <summary>Whether <paramref name="text"/> holds <paramref name="part"/>, or matches it where it is a pattern.</summary>
    public static bool Contains(string part, string text) =>
        IsPattern(part) ? Matches(part, text) : text.Contains(part, StringComparison.OrdinalIgnoreCase);
}
