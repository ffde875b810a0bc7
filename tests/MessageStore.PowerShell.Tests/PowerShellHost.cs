using System.Diagnostics;

namespace MessageStore.PowerShell.Tests;

/// <summary>The PowerShell on the PATH, and why there is none to test with where that is so.</summary>
internal static class PowerShellHost
{
    private const string Program = "pwsh";
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(60);
    private static readonly Lazy<string?> Missing = new(Probe);

    /// <summary>Why Pester files cannot run here; <see langword="null"/> where they can.</summary>
    public static string? WhyMissing => Missing.Value;

    /// <summary>Runs a command to its end or the end of its time, when it and its children are killed.</summary>
    /// <returns>The exit code, or <see langword="null"/> where time was up, and everything it wrote.</returns>
    public static (int? ExitCode, string Output) Run(string command, TimeSpan time, string? folder = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(Program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? Environment.CurrentDirectory,
        };
        foreach (string argument in (string[])["-NoProfile", "-NonInteractive", "-Command", command]) start.ArgumentList.Add(argument);
        start.Environment["NO_COLOR"] = "1";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        bool ended = process.WaitForExit(time);
        if (!ended) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        return (ended ? process.ExitCode : null, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
    }

    private static string? Probe()
    {
        try
        {
            (int? code, string output) = Run(
                "if ($PSVersionTable.PSVersion -lt '7.6') { \"PowerShell $($PSVersionTable.PSVersion) is older than 7.6\" } "
                + "elseif (-not (Get-Module Pester -ListAvailable | Where-Object { $_.Version.Major -eq 5 })) { 'pwsh has no Pester 5' } else { 'ready' }",
                ProbeTime);
            string answer = output.Trim();
            return code == 0 && answer == "ready" ? null : code == 0 ? answer : "pwsh does not run: " + answer;
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return "no pwsh on the PATH";
        }
    }
}
