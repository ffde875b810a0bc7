namespace MessageStore.Server.Tests.Nodes;

/// <summary>A test that sends signals, or deletes files that are in use.</summary>
public sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows()) Skip = "Windows has no SIGSTOP, and keeps files that are in use.";
    }
}
