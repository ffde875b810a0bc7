namespace MessageStore.Messages.Mime;

/// <summary>What a sender's page may hold: the list that <see cref="HtmlSanitizer"/> goes by.</summary>
internal static class HtmlAllowed
{
    private const int ValueLimit = 4 << 10;
    private const int NumberLimit = 10_000;

    /// <summary>Tags, and whether they stand without a closing one.</summary>
    public static readonly Dictionary<string, bool> Tags = MakeTags();

    /// <summary>The value of an attribute as it may be written; <see langword="null"/> where it may not.</summary>
    public static string? Value(string tag, string name, string value, Func<string, string?>? imageOf)
    {
        if (value.Length > ValueLimit) return null;
        return name switch
        {
            "href" => tag == "a" ? Address(value) : null,
            "src" => tag == "img" && value.Trim().StartsWith("cid:", StringComparison.OrdinalIgnoreCase) ? imageOf?.Invoke(Uri.UnescapeDataString(value.Trim()[4..])) : null,
            "title" or "alt" => value,
            "width" or "height" => Number(value.EndsWith('%') || value.EndsWith("px", StringComparison.Ordinal) ? value.TrimEnd('%', 'p', 'x') : value) is null ? null : value,
            "colspan" or "rowspan" or "border" or "cellpadding" or "cellspacing" or "start" => Number(value),
            "align" or "valign" or "dir" or "type" => IsWord(value) ? value : null,
            "color" or "bgcolor" => IsWord(value.StartsWith('#') ? value[1..] : value) ? value : null,
            "size" => tag == "font" ? Number(value.TrimStart('+', '-')) is null ? null : value : null,
            _ => null,
        };
    }

    /// <summary>An address that leads to a page or to a letter, and nowhere else.</summary>
    private static string? Address(string value)
    {
        string address = string.Concat(value.Where(c => c > ' ' && !char.IsControl(c)));
        return address.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || address.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
            || address.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase) ? address : null;
    }

    private static string? Number(string value) =>
        value.Length is > 0 and <= 5 && value.All(char.IsAsciiDigit) && int.Parse(value, System.Globalization.CultureInfo.InvariantCulture) <= NumberLimit ? value : null;

    private static bool IsWord(string value) => value.Length is > 0 and <= 20 && value.All(char.IsAsciiLetterOrDigit);

    private static Dictionary<string, bool> MakeTags()
    {
        const string Holding =
            "a abbr b big blockquote caption center cite code colgroup dd del div dl dt em font h1 h2 h3 h4 h5 h6 i ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var";
        const string Void = "br col hr img wbr";
        var tags = Holding.Split(' ').ToDictionary(t => t, _ => false, StringComparer.Ordinal);
        foreach (string tag in Void.Split(' ')) tags.Add(tag, true);
        return tags;
    }
}
