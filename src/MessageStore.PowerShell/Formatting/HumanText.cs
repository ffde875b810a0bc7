using System.Globalization;

namespace MessageStore.PowerShell.Formatting;

/// <summary>Sizes, ages and durations as the format views show them.</summary>
public static class HumanText
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>Bytes in binary units with three digits at most: <c>812 B</c>, <c>4.2 KB</c>, <c>17 MB</c>.</summary>
    public static string Size(long bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 999.5 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        string format = unit > 0 && value < 9.95 ? "0.0" : "0";
        return value.ToString(format, CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    /// <summary>An age in its largest two units: <c>42s</c>, <c>7m</c>, <c>3h 10m</c>, <c>12d 4h</c>; <c>never</c> where there is none.</summary>
    public static string Age(TimeSpan? age) => age switch
    {
        null => "never",
        { TotalSeconds: < 60 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:0}s"),
        { TotalMinutes: < 60 } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalMinutes)}m"),
        { TotalHours: < 24 } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalHours)}h {t.Minutes}m"),
        { } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalDays)}d {t.Hours}h"),
    };

    /// <summary>A duration: <c>35 ms</c>, <c>4.2 s</c>, beyond a minute as an age.</summary>
    public static string Duration(TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 1 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 60 } t => string.Create(CultureInfo.InvariantCulture, $"{t.TotalSeconds:0.0} s"),
        { TotalMinutes: < 60 } t => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(t.TotalMinutes)}m {t.Seconds}s"),
        _ => Age(duration),
    };
}
