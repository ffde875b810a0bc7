using System.Diagnostics;
using System.Text;

namespace MessageStore.Tests.Support;

/// <summary>The Python on this machine, which tests ask for a second opinion.</summary>
internal static class Python
{
    private static readonly string Program = OperatingSystem.IsWindows() ? "python" : "python3";

    public static bool IsThere { get; } = Answers();

    /// <summary>Runs a script of tests/tools and returns the lines it prints.</summary>
    public static async Task<string[]> RunAsync(string script, params string[] arguments)
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "MessageStore.sln"))) root = Path.GetDirectoryName(root)!;
        var start = new ProcessStartInfo(Program, [Path.Combine(root, "tests", "tools", script), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static bool Answers()
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(Program, "--version") { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
