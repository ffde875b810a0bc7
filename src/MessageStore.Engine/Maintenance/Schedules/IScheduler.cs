namespace MessageStore.Maintenance;

/// <summary>A scheduler: the operating system's, or the server. All operating errors are <see cref="MessageStoreException"/>.</summary>
internal interface IScheduler
{
    MaintenanceScheduler Kind { get; }

    /// <summary>Why it cannot be used here; <see langword="null"/> where it can.</summary>
    string? WhyUnavailable();

    /// <summary>Installs a schedule; one of the same database is replaced.</summary>
    /// <exception cref="MessageStoreException">SchedulerFailed.</exception>
    MaintenanceScheduleInfo Register(MaintenanceSchedule schedule);

    /// <summary>Removes what <see cref="Register"/> installed for a database, and nothing else.</summary>
    /// <returns>Whether there was anything.</returns>
    /// <exception cref="MessageStoreException">SchedulerFailed.</exception>
    bool Unregister(string database, string? user);

    /// <summary>Our schedules, or that of a database; those of others are left out.</summary>
    /// <exception cref="MessageStoreException">SchedulerFailed.</exception>
    IEnumerable<MaintenanceScheduleInfo> List(string? user, string? database);

    /// <summary>What <see cref="Register"/> would install, as files for installing by hand.</summary>
    IEnumerable<MaintenanceScheduleFile> Files(MaintenanceSchedule schedule);
}
