namespace MessageStore.Maintenance;

/// <summary>
/// The instants at which a task is due, by the clock on the wall: once a day at a time, or from midnight at an interval. A time of day that summer time skips is an hour later that day; one that comes twice counts
/// once. Intervals are counted from midnight in time that passes, so that none is longer for a change of the clock.
/// </summary>
/// <param name="zone">Whose midnight.</param>
/// <param name="at">Time of day, where there is one slot a day.</param>
/// <param name="every">From one slot to the next, at most a day.</param>
internal readonly struct DaySlots(TimeZoneInfo zone, TimeSpan at, TimeSpan every)
{
    public static DaySlots Daily(TimeZoneInfo zone, TimeSpan at) => new(zone, at, ScheduleRules.Day);

    public static DaySlots Every(TimeZoneInfo zone, TimeSpan every) => new(zone, TimeSpan.Zero, every);

    /// <summary>The last one that is not after <paramref name="now"/>.</summary>
    public DateTimeOffset Latest(DateTimeOffset now)
    {
        DateTime day = TimeZoneInfo.ConvertTime(now, zone).Date;
        DateTimeOffset first = On(day) <= now ? On(day) : On(day.AddDays(-1));
        return every < ScheduleRules.Day ? first + (now - first).Ticks / every.Ticks * every : first; // a day is not always 24 hours
    }

    /// <summary>The first one after <paramref name="now"/>.</summary>
    public DateTimeOffset Next(DateTimeOffset now)
    {
        DateTime day = TimeZoneInfo.ConvertTime(now, zone).Date;
        DateTimeOffset today = On(day), tomorrow = On(day.AddDays(1));
        if (today > now) return today;
        if (every >= ScheduleRules.Day) return tomorrow;
        DateTimeOffset next = Latest(now) + every;
        return next < tomorrow ? next : tomorrow;
    }

    private DateTimeOffset On(DateTime day)
    {
        DateTime local = DateTime.SpecifyKind(day + at, DateTimeKind.Unspecified);
        if (zone.IsInvalidTime(local)) local += TimeSpan.FromHours(1);
        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }
}
