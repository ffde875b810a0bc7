namespace MessageStore.Tests.Support;

/// <summary>A fact that needs a program of the machine, and is skipped, saying so, where it is not on the PATH.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ToolFactAttribute : FactAttribute
{
    public ToolFactAttribute(string tool)
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        bool found = folders.Any(f => File.Exists(Path.Combine(f, tool)) || File.Exists(Path.Combine(f, tool + ".exe")));
        if (!found) Skip = $"{tool} is not on the PATH.";
    }
}
