namespace MessageStore.Server.Tests.Support;

/// <summary>A fact that needs a program of the machine, and is skipped, saying so, where it is not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ToolFactAttribute : FactAttribute
{
    public ToolFactAttribute(params string[] tools)
    {
        if (tools.FirstOrDefault(t => !IsThere(t)) is { } missing) Skip = $"{missing} is not on the PATH.";
    }

    public static bool IsThere(string tool)
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return folders.Any(f => File.Exists(Path.Combine(f, tool)) || File.Exists(Path.Combine(f, tool + ".exe")));
    }
}
