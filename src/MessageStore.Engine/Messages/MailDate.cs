namespace MessageStore.Messages;

/// <summary>
/// Reads a date-time as mail writes it (RFC 5322 §3.3) and as mail has written it (§4.3: two-digit years, named zones, comments anywhere, no day of
/// week, no seconds), and the <c>asctime</c> form <c>Thu Aug 22 12:36:23 2002</c> of mbox files. Linear time; never throws.
/// </summary>
internal static class MailDate
{
    private const string Months = "janfebmaraprmayjunjulaugsepoctnovdec";
    private const string Days = "montuewedthufrisatsun";

    /// <summary>Longest offset from UTC that <see cref="DateTimeOffset"/> can carry, in minutes.</summary>
    private const int OffsetLimit = 14 * 60;

    /// <summary>
    /// The date, with the offset it was written in. A zone that is missing, <c>-0000</c> or a name nobody defined means UTC
    /// (RFC 5322 §4.3); an offset beyond 14 hours is turned into UTC.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DateTimeOffset date)
    {
        date = default;
        int day = -1, month = -1, year = -1;
        int hour = -1, minute = 0, second = 0, offset = 0;
        bool zoned = false;
        var lexer = new MailDateLexer(text);
        while (lexer.Next(out ReadOnlySpan<char> token, out char before))
        {
            if (char.IsAsciiLetter(token[0]))
            {
                if (hour < 0 || month < 0)
                {
                    if (month < 0 && IndexOf(Months, token) is int index and >= 0) month = index + 1;
                    else if (IndexOf(Days, token) < 0 && !IsDayPrefix(token)) return false;
                }
                else if (!zoned)
                {
                    zoned = true;
                    offset = NamedZone(token);
                }
            }
            else if (!char.IsAsciiDigit(token[0]))
            {
                // Something that no date holds: fine behind a whole date, otherwise this is not one.
                if (hour < 0 || year < 0) return false;
                break;
            }
            else if (hour < 0 && lexer.TakeTime(token, out hour, out minute, out second))
            {
                if (month < 0 || day < 0) return false;
            }
            else if (hour >= 0 && !zoned && (before is '+' or '-' || year >= 0))
            {
                if (!NumericZone(token, ref lexer, out int minutes)) return false;
                zoned = true;
                offset = before == '-' ? -minutes : minutes;
            }
            else if (day < 0 && token.Length <= 2) day = Number(token);
            else if (year < 0) year = Year(token);
            else if (hour < 0) return false;
        }
        return hour >= 0 && Build(year, month, day, hour, minute, second, offset, out date);
    }

    private static bool Build(int year, int month, int day, int hour, int minute, int second, int offset, out DateTimeOffset date)
    {
        date = default;
        if (year is < 1 or > 9999 || month < 1 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        if (hour > 23 || minute > 59 || second > 60) return false;
        // A leap second has no place of its own on this clock.
        var local = new DateTime(year, month, day, hour, minute, Math.Min(second, 59), DateTimeKind.Unspecified);
        long utc = local.Ticks - offset * TimeSpan.TicksPerMinute;
        if (utc < DateTime.MinValue.Ticks || utc > DateTime.MaxValue.Ticks) return false;
        date = Math.Abs(offset) <= OffsetLimit
            ? new DateTimeOffset(local, TimeSpan.FromMinutes(offset))
            : new DateTimeOffset(utc, TimeSpan.Zero);
        return true;
    }

    /// <summary>RFC 5322 §4.3: 00 to 49 is 2000 to 2049, 50 to 99 and three digits count from 1900.</summary>
    private static int Year(ReadOnlySpan<char> digits) => (digits.Length, Number(digits)) switch
    {
        ( <= 2, < 50 and int value) => 2000 + value,
        ( <= 3, int value) => 1900 + value,
        (_, int value) => value,
    };

    private static bool NumericZone(ReadOnlySpan<char> digits, ref MailDateLexer lexer, out int minutes)
    {
        int value = Number(digits);
        if (digits.Length <= 2)
        {
            minutes = value * 60;
            if (lexer.TakeMinutes(out int more)) minutes += more;
            return minutes < 24 * 60;
        }
        minutes = value / 100 * 60 + value % 100;
        return digits.Length <= 4;
    }

    private static int NamedZone(ReadOnlySpan<char> name)
    {
        Span<char> upper = stackalloc char[4];
        if (name.Length > upper.Length) return 0;
        int length = name.ToUpperInvariant(upper);
        return upper[..length] switch
        {
            "EDT" => -4 * 60,
            "EST" => -5 * 60,
            "CDT" => -5 * 60,
            "CST" => -6 * 60,
            "MDT" => -6 * 60,
            "MST" => -7 * 60,
            "PDT" => -7 * 60,
            "PST" => -8 * 60,
            "AST" => -4 * 60,
            "ADT" => -3 * 60,
            _ => 0,
        };
    }

    /// <summary>The index of a name in a list of three-letter names; a longer name counts by its first three letters.</summary>
    private static int IndexOf(string names, ReadOnlySpan<char> name)
    {
        if (name.Length < 3) return -1;
        for (int index = 0; index < names.Length; index += 3)
        {
            if (name[..3].Equals(names.AsSpan(index, 3), StringComparison.OrdinalIgnoreCase)) return index / 3;
        }
        return -1;
    }

    /// <summary>Some mailers cut the day of week to one or two letters.</summary>
    private static bool IsDayPrefix(ReadOnlySpan<char> name) =>
        name.Length < 3 && Days.AsSpan().Contains(name, StringComparison.OrdinalIgnoreCase);

    private static int Number(ReadOnlySpan<char> digits) => int.TryParse(digits, out int value) ? value : int.MaxValue;
}
