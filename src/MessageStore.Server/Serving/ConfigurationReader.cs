using System.Globalization;
using System.Net;

namespace MessageStore.Server.Serving;

/// <summary>
/// Reads settings from a section of the configuration, which is a file, environment variables (<c>MESSAGESTORE_LISTEN__LMTP</c>) and the command line, later ones winning. What is
/// wrong is gathered, so that an administrator sees all of it at once; so are names that mean nothing, which are typing errors.
/// </summary>
internal sealed class ConfigurationReader(IConfiguration section, List<string> errors)
{
    private readonly HashSet<string> known = new(StringComparer.OrdinalIgnoreCase);

    public ConfigurationReader Section(string name) => new(Known(name), errors);

    public string Text(string name, string otherwise) => Known(name).Value ?? otherwise;

    public bool Flag(string name, bool otherwise) => Read(name, otherwise, "true or false", text => bool.TryParse(text, out bool value) ? value : null);

    public long Number(string name, long otherwise, long least, long most) => Read(name, otherwise, string.Create(CultureInfo.InvariantCulture, $"a number from {least} to {most}"),
        text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most ? value : null);

    public TimeSpan Duration(string name, TimeSpan otherwise) => Read(name, otherwise, "a span of time such as 00:05:00, more than none and at most 24 days",
        text => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan value) && value > TimeSpan.Zero && value < TimeSpan.FromDays(24) ? value : null);

    public T Choice<T>(string name, T otherwise) where T : struct, Enum => Read(name, otherwise, string.Join(" or ", Enum.GetNames<T>()),
        text => Enum.TryParse(text, ignoreCase: true, out T value) && Enum.IsDefined(value) && !char.IsAsciiDigit(text[0]) ? value : null);

    /// <summary>A list: an array of the file, or text with commas.</summary>
    public IReadOnlyList<string> List(string name)
    {
        IConfigurationSection list = Known(name);
        return list.Value is { } text ? text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : [.. list.GetChildren().Select(c => c.Value ?? "")];
    }

    public IReadOnlyList<IPEndPoint> Addresses(string name)
    {
        var addresses = new List<IPEndPoint>();
        foreach (string text in List(name))
        {
            if (IPEndPoint.TryParse(text, out IPEndPoint? address) && text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{address.Port}"), StringComparison.Ordinal)) addresses.Add(address);
            else errors.Add($"{PathOf(name)} is '{text}'; it must be an address and a port, such as 127.0.0.1:24 or [::1]:24.");
        }
        return addresses;
    }

    /// <summary>Names and what belongs to each.</summary>
    public IReadOnlyDictionary<string, T> Map<T>(string name, Func<ConfigurationReader, string, T> read)
    {
        IConfigurationSection map = Known(name);
        var inner = new ConfigurationReader(map, errors);
        return map.GetChildren().ToDictionary(c => c.Key, c => read(inner, c.Key), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Says what is wrong with a setting that was read well.</summary>
    public void Refuse(string name, string why) => errors.Add($"{PathOf(name)} {why}");

    /// <summary>To be called last: what is there and was never asked for is a typing error.</summary>
    public void RefuseTheRest()
    {
        foreach (IConfigurationSection child in section.GetChildren().Where(c => !known.Contains(c.Key))) errors.Add($"{PathOf(child.Key)} is no setting.");
    }

    private T Read<T>(string name, T otherwise, string wanted, Func<string, T?> parse) where T : struct
    {
        if (Known(name).Value is not { } text) return otherwise;
        if (parse(text) is { } value) return value;
        errors.Add($"{PathOf(name)} is '{text}'; it must be {wanted}.");
        return otherwise;
    }

    private IConfigurationSection Known(string name)
    {
        known.Add(name);
        return section.GetSection(name);
    }

    private string PathOf(string name) => section is IConfigurationSection inner ? $"{inner.Path}:{name}" : name;
}
