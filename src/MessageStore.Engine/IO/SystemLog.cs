namespace MessageStore.IO;

/// <summary>The log of the machine that its administrator watches, whoever owns the database: the Application event log of Windows, elsewhere syslog.</summary>
internal interface ISystemLog
{
    /// <summary>Enters an error. Never waits and never throws.</summary>
    /// <param name="errorId">One of <see cref="ErrorIds"/>.</param>
    /// <param name="message">What is wrong, in sentences.</param>
    /// <returns>Why it could not be entered; empty where it was.</returns>
    string Error(string errorId, string message);
}

/// <summary>Which log that is here.</summary>
internal static class SystemLog
{
    /// <summary>Who writes, as the log shows it.</summary>
    public const string Source = "MessageStore";

    public static ISystemLog Of(TimeProvider clock) =>
        OperatingSystem.IsWindows() ? new WindowsEventLog() : new Syslog(Environment.GetEnvironmentVariable(Syslog.PathVariable) is { Length: > 0 } path ? path : Syslog.DefaultPath, clock);
}
