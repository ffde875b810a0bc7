using System.Xml.Linq;
using MessageStore.Maintenance;

namespace MessageStore.Tests.Maintenance;

public class ScheduleTests
{
    private static readonly MaintenanceSchedule Nightly = new()
    {
        Database = "/srv/mail", ArchiveAt = TimeSpan.FromHours(1), BackupEvery = TimeSpan.FromHours(1), OlderThan = TimeSpan.FromDays(365),
        PowerShellPath = "/usr/bin/pwsh", ModulePath = "/opt/MessageStore/MessageStore.psd1",
    };

    /// <summary>Everything that a shell, cron, systemd or PowerShell would take for something else.</summary>
    private static readonly MaintenanceSchedule Nasty = Nightly with { Database = "/srv/it's \"50%\" $HOME `x` \\ \u2019mail" };

    [Theory]
    [InlineData("00:01", "* * * * *", "*-*-* *:00/1:00")]
    [InlineData("00:15", "*/15 * * * *", "*-*-* *:00/15:00")]
    [InlineData("01:00", "0 * * * *", "*-*-* 00/1:00:00")]
    [InlineData("06:00", "0 */6 * * *", "*-*-* 00/6:00:00")]
    [InlineData("1.00:00", "0 0 * * *", "*-*-* 00:00:00")]
    public void A_backup_interval_becomes_hours_of_the_day(string every, string cron, string calendar)
    {
        MaintenanceSchedule schedule = Nightly with { BackupEvery = TimeSpan.Parse(every, System.Globalization.CultureInfo.InvariantCulture) };
        ScheduleRules.Check(schedule);
        Assert.Equal(cron, CronScheduler.When(schedule, MaintenanceTask.Backup));
        Assert.Equal(calendar, SystemdUnits.When(schedule, MaintenanceTask.Backup));
    }

    [Theory]
    [InlineData("00:00:30")]
    [InlineData("00:07")]
    [InlineData("01:30")]
    [InlineData("05:00")]
    [InlineData("2.00:00")]
    public void An_interval_that_does_not_divide_the_day_is_refused_with_those_that_do(string every)
    {
        MaintenanceSchedule schedule = Nightly with { BackupEvery = TimeSpan.Parse(every, System.Globalization.CultureInfo.InvariantCulture) };
        MessageStoreException error = Assert.Throws<MessageStoreException>(() => ScheduleRules.Check(schedule));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
        Assert.Contains("12 hours", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_break_in_a_path_never_becomes_a_line_of_a_crontab()
    {
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => ScheduleRules.Check(Nightly with { Database = "/srv/a\n* * * * * root rm" })).ErrorId);
        Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => ScheduleRules.Check(Nightly with { User = "mail\nUser=root" })).ErrorId);
    }

    [Fact]
    public void Replacing_a_block_of_a_crontab_leaves_everything_else_as_it_is()
    {
        string name = ScheduleRules.NameOf("/srv/mail"), other = ScheduleRules.NameOf("/mnt/mail");
        Assert.NotEqual(name, other);
        string before = "MAILTO=root\n# BEGIN something\n0 2 * * *  x\t\n\n";
        string theirs = CronTable.Block(other, Nightly with { Database = "/mnt/mail" }, ["0 1 * * * y"]);
        string table = before + CronTable.Block(name, Nightly, ["0 1 * * * a", "0 * * * * b"]) + theirs;
        Assert.Equal(before + theirs, CronTable.Without(table, name));
        Assert.Equal(["/srv/mail", "/mnt/mail"], CronTable.Schedules(table).Select(static s => s.Database));
        Assert.Equal(Nightly, CronTable.Schedules(table).First());
    }

    [Fact]
    public void A_block_without_an_end_is_left_alone()
    {
        string name = ScheduleRules.NameOf("/srv/mail");
        string table = CronTable.Block(name, Nightly, ["0 1 * * * a"]).Replace("# END", "# THE END", StringComparison.Ordinal) + "5 5 * * * mine\n";
        Assert.Equal(table, CronTable.Without(table, name));
    }

    [Fact]
    public void A_task_of_Task_Scheduler_is_valid_by_its_published_schema_and_gives_the_schedule_back()
    {
        foreach (MaintenanceTask task in Enum.GetValues<MaintenanceTask>())
        {
            foreach (string? user in (string?[])[null, "NT AUTHORITY\\SYSTEM", "CORP\\mail$"])
            {
                MaintenanceSchedule schedule = Nasty with { User = user };
                XDocument document = TaskXml.Write(schedule, task);
                TaskSchema.Validate(document);
                Assert.Equal(schedule, TaskXml.Read(document.ToString()));
            }
        }
    }

    [Fact]
    public void A_task_of_somebody_else_is_not_taken_for_ours()
    {
        Assert.Null(TaskXml.Read("<Task xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><RegistrationInfo><Documentation>Cleans</Documentation></RegistrationInfo></Task>"));
        Assert.Null(TaskXml.Read("no xml"));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("", "\"\"")]
    [InlineData("two words", "\"two words\"")]
    [InlineData("say \"hi\"", "\"say \\\"hi\\\"\"")]
    [InlineData("ends in \\", "\"ends in \\\\\"")]
    [InlineData("a\\\"b c", "\"a\\\\\\\"b c\"")]
    public void An_argument_is_quoted_as_the_C_runtime_reads_it(string argument, string quoted) => Assert.Equal(quoted, TaskXml.Quote(argument));

    [Fact]
    public void A_unit_takes_percent_dollar_and_quotes_for_themselves()
    {
        string unit = SystemdUnits.Service(Nasty, MaintenanceTask.Backup, [Nasty.Database], isSystem: true);
        string command = unit.Split('\n').Single(static line => line.StartsWith("ExecStart=", StringComparison.Ordinal));
        Assert.Contains("it''s \\\"50%%\\\" $$HOME `x` \\\\ \u2019\u2019mail", command, StringComparison.Ordinal);
        Assert.Contains("ProtectSystem=strict\n", unit, StringComparison.Ordinal);
        Assert.DoesNotContain("ProtectSystem", SystemdUnits.Service(Nasty, MaintenanceTask.Backup, [], isSystem: false), StringComparison.Ordinal);
    }
}
