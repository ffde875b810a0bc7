namespace MessageStore.Server.Tests.Nodes;

/// <summary>A test that sends signals.</summary>
public sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows()) Skip = "Windows has no SIGSTOP.";
    }
}
