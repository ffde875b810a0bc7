using System.ComponentModel;
using System.Diagnostics;

namespace MessageStore.Tests.RealDisk;

/// <summary>A test whose writer runs under strace, which makes system calls fail; skipped, saying why, where that is not possible.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class StraceTheoryAttribute : TheoryAttribute
{
    private static readonly string? Missing = Try();

    public StraceTheoryAttribute() => Skip = Missing;

    private static string? Try()
    {
        if (!OperatingSystem.IsLinux()) return "strace is a program of Linux.";
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("strace", "-f --seccomp-bpf -o /dev/null -e trace=fsync true") { RedirectStandardError = true })!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"strace may not trace here: {error.Trim()}";
        }
        catch (Win32Exception)
        {
            return "strace is not on the PATH (Debian: apt-get install strace).";
        }
    }
}
