using System.ComponentModel;
using System.Diagnostics;

namespace MessageStore.Maintenance;

/// <summary>What a program of the system answered.</summary>
/// <param name="Code">Its exit code.</param>
internal readonly record struct ProgramAnswer(int Code, string Output, string Errors);

/// <summary>Runs a scheduler's own program from the PATH.</summary>
internal static class SystemProgram
{
    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(1);

    /// <summary>Full path of a program on the PATH, or <see langword="null"/>.</summary>
    public static string? Find(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe", ".cmd", ".bat"] : [""];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => endings.Select(ending => Path.Combine(folder, name + ending))).FirstOrDefault(File.Exists);
    }

    /// <exception cref="MessageStoreException">SchedulerFailed: it could not be run, or did not end.</exception>
    public static ProgramAnswer Run(string name, IEnumerable<string> arguments, string? input = null)
    {
        var start = new ProcessStartInfo(Find(name) ?? name) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            try
            {
                process.StandardInput.Write(input);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended before it read everything; its exit code and its words say why.
            }
            if (!process.WaitForExit(LongestRun))
            {
                process.Kill(entireProcessTree: true);
                throw Failed(name, $"did not end within {LongestRun.TotalSeconds:0} seconds");
            }
            process.WaitForExit();
            return new ProgramAnswer(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException)
        {
            throw Failed(name, $"cannot be run: {error.Message}");
        }
    }

    /// <summary>Runs a program that must succeed.</summary>
    /// <exception cref="MessageStoreException">SchedulerFailed, with what the program said.</exception>
    public static ProgramAnswer Demand(string name, IEnumerable<string> arguments, string? input = null)
    {
        string[] all = [.. arguments];
        ProgramAnswer answer = Run(name, all, input);
        if (answer.Code == 0) return answer;
        string said = (answer.Errors.Trim() is { Length: > 0 } errors ? errors : answer.Output.Trim()).ReplaceLineEndings(" ");
        throw Failed(name, $"refused ({string.Join(' ', all)}): {(said.Length > 0 ? said : $"exit code {answer.Code}")}");
    }

    private static MessageStoreException Failed(string name, string what) => new(ErrorIds.SchedulerFailed, ErrorKind.Device, $"{name} {what}.", name);
}
