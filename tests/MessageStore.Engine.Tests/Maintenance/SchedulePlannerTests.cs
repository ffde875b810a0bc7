using MessageStore.Maintenance;

namespace MessageStore.Tests.Maintenance;

/// <summary>The table of cases in docs/server.md, a test a row.</summary>
public sealed class SchedulePlannerTests
{
    private static readonly MaintenanceSchedule Nightly = new()
    {
        Database = "/srv/mail", Scheduler = MaintenanceScheduler.Server, ArchiveAt = TimeSpan.FromHours(1), BackupEvery = TimeSpan.FromHours(1), MaximumBackupAge = TimeSpan.FromHours(2),
        OlderThan = TimeSpan.FromDays(365), PowerShellPath = "pwsh", ModulePath = "MessageStore.psd1",
    };

    /// <summary>Both ran when they should; nothing is due at half past three.</summary>
    private static readonly ScheduleView Quiet = new(
        At(3, 30), TimeZoneInfo.Utc, At(0, 0).AddDays(-30), new TaskPast(At(1, 0), TimeSpan.FromMinutes(10)), new TaskPast(At(3, 0), TimeSpan.FromMinutes(5)), TimeSpan.FromMinutes(30), MaintenanceTask.Backup);

    [Fact]
    public void Nothing_is_due_and_both_say_since_when_and_until_when()
    {
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, Quiet);
        Assert.Null(decision.Task);
        Assert.Equal(At(4, 0), decision.Wake);
        Assert.Equal((false, At(1, 0).AddDays(1)), (decision.Archive.IsDue, decision.Archive.Next));
        Assert.Equal("not due: the last one began 2026-11-28 01:00:00Z, the next is due 2026-11-29 01:00:00Z", decision.Archive.Reason);
        Assert.Equal("not due: the last one began 2026-11-28 03:00:00Z, the next is due 2026-11-28 04:00:00Z", decision.Backup.Reason);
    }

    [Fact]
    public void An_hour_that_has_come_is_due_and_one_that_passed_while_no_server_ran_is_made_up_for_once()
    {
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, Quiet with { Now = At(4, 0), BackupAge = TimeSpan.FromHours(1) });
        Assert.Equal((MaintenanceTask.Backup, "due since 2026-11-28 04:00:00Z"), (decision.Task, decision.Reason));

        ScheduleView late = Quiet with { Archive = new TaskPast(At(1, 0).AddDays(-3), TimeSpan.FromMinutes(10)) };
        decision = SchedulePlanner.Decide(Nightly, late);
        Assert.Equal((MaintenanceTask.Archive, "due since 2026-11-28 01:00:00Z"), (decision.Task, decision.Reason));
        Assert.Null(SchedulePlanner.Decide(Nightly, late with { Archive = new TaskPast(late.Now, TimeSpan.Zero) }).Task);
    }

    [Fact]
    public void Hours_before_the_schedule_was_registered_were_not_missed()
    {
        ScheduleView never = Quiet with { Registered = At(3, 20), Archive = new TaskPast(), Backup = new TaskPast() };
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, never);
        Assert.Null(decision.Task);
        Assert.Contains("registered 2026-11-28 03:20:00Z", decision.Archive.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Both_due_take_turns()
    {
        ScheduleView both = Quiet with { Now = At(4, 5), Archive = new TaskPast(At(1, 0).AddDays(-1), TimeSpan.FromMinutes(10)), BackupAge = TimeSpan.FromMinutes(65) };
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, both);
        Assert.Equal(MaintenanceTask.Archive, decision.Task);
        Assert.Contains("take turns", decision.Backup.Reason, StringComparison.Ordinal);
        Assert.Equal(MaintenanceTask.Backup, SchedulePlanner.Decide(Nightly, both with { LastTask = MaintenanceTask.Archive }).Task);
        Assert.Equal(MaintenanceTask.Archive, SchedulePlanner.Decide(Nightly, both with { LastTask = null }).Task);
    }

    [Fact]
    public void A_backup_whose_age_nears_the_limit_goes_first_before_its_hour()
    {
        // It took 5 minutes the last time, so it begins 2 × 5 + 1 minutes before the limit.
        MaintenanceSchedule tight = Nightly with { MaximumBackupAge = TimeSpan.FromHours(1) };
        ScheduleDecision decision = SchedulePlanner.Decide(tight, Quiet with { Now = At(3, 48), BackupAge = TimeSpan.FromMinutes(48) });
        Assert.Null(decision.Task);
        Assert.Equal(At(3, 49), decision.Wake);
        Assert.Equal(At(3, 49), decision.Backup.Next);
        decision = SchedulePlanner.Decide(tight, Quiet with { Now = At(3, 49), BackupAge = TimeSpan.FromMinutes(49) });
        Assert.Equal((MaintenanceTask.Backup, "the newest backup is 0:49:00 old and may become 1:00:00"), (decision.Task, decision.Reason));
    }

    [Fact]
    public void An_archive_run_that_would_let_the_backup_grow_too_old_waits_for_it_and_says_so()
    {
        ScheduleView view = Quiet with { Now = At(4, 30), Archive = new TaskPast(At(1, 0).AddDays(-1), TimeSpan.FromMinutes(40)), Backup = new TaskPast(At(3, 0), TimeSpan.FromMinutes(5)), BackupAge = TimeSpan.FromMinutes(90) };
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, view);
        Assert.Equal(MaintenanceTask.Backup, decision.Task);
        Assert.Contains("an archive run takes about 0:40:00", decision.Reason, StringComparison.Ordinal);
        Assert.StartsWith("due, but the backup goes first: ", decision.Archive.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_run_longer_than_the_limit_allows_still_gets_its_turn_and_is_told_when_to_end()
    {
        ScheduleView view = Quiet with { Now = At(4, 1), Archive = new TaskPast(At(1, 0).AddDays(-1), TimeSpan.FromHours(9)), Backup = new TaskPast(At(4, 0), TimeSpan.FromMinutes(1)), BackupAge = TimeSpan.FromMinutes(1) };
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, view);
        Assert.Equal(MaintenanceTask.Archive, decision.Task);
        Assert.Equal(At(4, 0) + TimeSpan.FromHours(2) - TimeSpan.FromMinutes(3), decision.Until);
    }

    [Fact]
    public void No_backup_at_all_is_made_at_once()
    {
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, Quiet with { Backup = new TaskPast(), BackupAge = null, Registered = At(3, 29) });
        Assert.Equal((MaintenanceTask.Backup, "there is no complete backup of every storage group"), (decision.Task, decision.Reason));
        // Where a backup that ended well does not make it better, they do not follow one another without a pause.
        Assert.Null(SchedulePlanner.Decide(Nightly, Quiet with { BackupAge = null }).Task);
    }

    [Fact]
    public void What_failed_is_tried_again_later_and_later_and_a_backup_that_is_late_sooner()
    {
        ScheduleView failed = Quiet with { Now = At(4, 2), BackupAge = TimeSpan.FromMinutes(62), Backup = new TaskPast(At(3, 0), TimeSpan.FromMinutes(5), 3, At(4, 0), "no disk.") };
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, failed);
        Assert.Null(decision.Task);
        Assert.Equal(At(4, 4), decision.Backup.Next);
        Assert.Equal("due since 2026-11-28 04:00:00Z, but it failed 3 times; it is tried again 2026-11-28 04:04:00Z. no disk.", decision.Backup.Reason);
        Assert.Equal(MaintenanceTask.Backup, SchedulePlanner.Decide(Nightly, failed with { Now = At(4, 4) }).Task);

        var often = new TaskPast(At(3, 0), TimeSpan.FromMinutes(5), 50, At(5, 0), "no disk.");
        Assert.Equal(At(6, 0), often.RetryAt());
        Assert.Null(SchedulePlanner.Decide(Nightly, failed with { Now = At(5, 4), BackupAge = TimeSpan.FromMinutes(124), Backup = often }).Task);
        Assert.Equal(MaintenanceTask.Backup, SchedulePlanner.Decide(Nightly, failed with { Now = At(5, 5), BackupAge = TimeSpan.FromMinutes(125), Backup = often }).Task);
    }

    [Fact]
    public void While_a_backup_waits_to_be_tried_again_an_archive_run_that_is_due_goes_on()
    {
        var often = new TaskPast(At(3, 0), TimeSpan.FromMinutes(5), 50, At(5, 0), "no disk.");
        ScheduleDecision decision = SchedulePlanner.Decide(Nightly, Quiet with { Now = At(5, 1), BackupAge = TimeSpan.FromMinutes(121), Backup = often, Archive = new TaskPast(At(1, 0).AddDays(-1), TimeSpan.FromHours(9)) });
        Assert.Equal(MaintenanceTask.Archive, decision.Task);
        Assert.Equal(At(5, 5), decision.Until);
    }

    [Fact]
    public void Records_from_the_future_do_not_count()
    {
        MaintenanceRecord[] history =
        [
            new() { Time = At(9, 0), Task = MaintenanceTask.Archive, Decision = MaintenanceDecision.Ran, Reason = "due" },
            new() { Time = At(2, 0), Task = MaintenanceTask.Archive, Decision = MaintenanceDecision.Failed, Reason = "first" },
            new() { Time = At(1, 30), Task = MaintenanceTask.Archive, Decision = MaintenanceDecision.Interrupted, Reason = "x" },
            new() { Time = At(1, 0), Task = MaintenanceTask.Archive, Decision = MaintenanceDecision.Failed, Reason = "second" },
            new() { Time = At(0, 0), Task = MaintenanceTask.Archive, Decision = MaintenanceDecision.Ran, Reason = "due", Duration = TimeSpan.FromMinutes(3) },
        ];
        Assert.Equal(new TaskPast(At(0, 0), TimeSpan.FromMinutes(3), 2, At(2, 0), "first"), TaskPast.Of(MaintenanceTask.Archive, history, At(3, 0)));
        Assert.Equal(new TaskPast(), TaskPast.Of(MaintenanceTask.Backup, history, At(3, 0)));
    }

    [Fact]
    public void Hours_are_those_of_the_wall_through_both_changes_of_the_clock()
    {
        // Central Europe by its rule, made here: no machine's tables are asked.
        TimeZoneInfo.AdjustmentRule rule = TimeZoneInfo.AdjustmentRule.CreateAdjustmentRule(DateTime.MinValue.Date, DateTime.MaxValue.Date, TimeSpan.FromHours(1),
            TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 2, 0, 0), 3, 5, DayOfWeek.Sunday), TimeZoneInfo.TransitionTime.CreateFloatingDateRule(new DateTime(1, 1, 1, 3, 0, 0), 10, 5, DayOfWeek.Sunday));
        TimeZoneInfo zone = TimeZoneInfo.CreateCustomTimeZone("test", TimeSpan.FromHours(1), "test", "test", "test summer", [rule]);
        DaySlots daily = DaySlots.Daily(zone, new TimeSpan(2, 30, 0)), hourly = DaySlots.Every(zone, TimeSpan.FromHours(6));
        foreach (DateTimeOffset change in (DateTimeOffset[])[new(2026, 3, 29, 1, 0, 0, TimeSpan.Zero), new(2026, 10, 25, 1, 0, 0, TimeSpan.Zero)])
        {
            var days = new HashSet<DateTimeOffset>();
            DateTimeOffset last = hourly.Latest(change.AddDays(-2));
            for (DateTimeOffset now = change.AddDays(-2); now < change.AddDays(2); now += TimeSpan.FromMinutes(7))
            {
                foreach (DaySlots slots in (DaySlots[])[daily, hourly])
                {
                    Assert.InRange(slots.Latest(now), DateTimeOffset.MinValue, now);
                    Assert.True(slots.Next(now) > now);
                    Assert.Equal(slots.Next(now), slots.Latest(slots.Next(now)));
                }
                Assert.InRange(hourly.Latest(now) - last, TimeSpan.Zero, TimeSpan.FromHours(6));
                last = hourly.Latest(now);
                days.Add(daily.Latest(now));
            }
            Assert.InRange(days.Count, 4, 6); // once a day, neither left out nor twice
            Assert.Equal(days.Count, days.Select(d => TimeZoneInfo.ConvertTime(d, zone).Date).Distinct().Count());
        }
    }

    private static DateTimeOffset At(int hour, int minute) => new(2026, 11, 28, hour, minute, 0, TimeSpan.Zero);
}
