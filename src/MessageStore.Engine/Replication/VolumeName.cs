using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MessageStore.Replication;

/// <summary>The records that share a series of volumes: those of one storage date and one deletion date, so that they die as whole files.</summary>
/// <param name="StorageDay">Storage date (UTC).</param>
/// <param name="DeletionDay">The first day (UTC) at whose beginning all of it is due; <see langword="null"/> for never.</param>
internal readonly record struct VolumeSeries(DateOnly StorageDay, DateOnly? DeletionDay)
{
    public static VolumeSeries Of(DateTimeOffset storageDate, DateTimeOffset? deletionDate) => new(Day(storageDate), deletionDate is { } date ? DayAfter(date) : null);

    private static DateOnly Day(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);

    /// <summary>Rounded up to midnight: never a moment early.</summary>
    private static DateOnly DayAfter(DateTimeOffset time) =>
        time.UtcDateTime.TimeOfDay == TimeSpan.Zero || Day(time) == DateOnly.MaxValue ? Day(time) : Day(time).AddDays(1);
}

/// <summary>
/// The name of a volume in its unit, as keys have it: <c>2026-07-31/never-00000001.mbox.gz</c>. Only what <see cref="TryParse"/> accepts ever becomes a path, so no
/// request leads out of a unit.
/// </summary>
/// <param name="Series">What lies in it.</param>
/// <param name="Number">Its number in the series, from 1.</param>
internal readonly record struct VolumeName(VolumeSeries Series, int Number)
{
    /// <summary>The folder in a unit that volumes lie in.</summary>
    public const string Folder = "volumes";

    /// <summary>Ending of volumes.</summary>
    public const string Suffix = ".mbox.gz";

    private const string Never = "never";
    private const string StorageFormat = "yyyy-MM-dd";
    private const string DeletionFormat = "yyyyMMdd";
    private const int NumberDigits = 8;

    public static bool TryParse([NotNullWhen(true)] string? text, out VolumeName name)
    {
        name = default;
        if (text is null || text.Length < StorageFormat.Length + 1 + Suffix.Length + NumberDigits || text[StorageFormat.Length] != '/') return false;
        ReadOnlySpan<char> file = text.AsSpan(StorageFormat.Length + 1);
        int hyphen = file.IndexOf('-');
        if (hyphen < 0 || !file.EndsWith(Suffix, StringComparison.Ordinal) || hyphen + 1 + NumberDigits + Suffix.Length != file.Length) return false;
        if (!DateOnly.TryParseExact(text.AsSpan(0, StorageFormat.Length), StorageFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly storageDay)) return false;
        DateOnly? deletionDay = null;
        if (!file[..hyphen].SequenceEqual(Never))
        {
            if (!DateOnly.TryParseExact(file[..hyphen], DeletionFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day)) return false;
            deletionDay = day;
        }
        if (!int.TryParse(file.Slice(hyphen + 1, NumberDigits), NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number < 1) return false;
        name = new VolumeName(new VolumeSeries(storageDay, deletionDay), number);
        return true;
    }

    /// <summary>The full path in a unit.</summary>
    public string PathIn(string unitFolder)
    {
        string[] parts = ToString().Split('/');
        return Path.Combine(unitFolder, Folder, parts[0], parts[1]);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Series.StorageDay.ToString(StorageFormat, CultureInfo.InvariantCulture)}/{Series.DeletionDay?.ToString(DeletionFormat, CultureInfo.InvariantCulture) ?? Never}-{Number:D8}{Suffix}");
}
