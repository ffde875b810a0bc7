using Xunit.Abstractions;

namespace MessageStore.PowerShell.Tests;

/// <summary>Runs each Pester file in a PowerShell of its own.</summary>
public sealed class PesterFileTests(ITestOutputHelper log)
{
    /// <summary>The longest that one file may take.</summary>
    private static readonly TimeSpan FileTime = TimeSpan.FromMinutes(10);

    private const string Runner = "Run-PesterFile.ps1";

    private static readonly string Folder = FindFolder();

    public static TheoryData<string> Files => [.. Directory.EnumerateFiles(Folder, "*.Tests.ps1").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Fact]
    public void There_are_Pester_files()
    {
        int count = Files.AsEnumerable<object[]>().Count();
        Assert.True(count >= 5, $"Only {count} files in {Folder}.");
    }

    [PesterTheory]
    [MemberData(nameof(Files))]
    public void Passes(string file) => Run(file, []);

    /// <summary>The same story, with every database owned by a server: what a cmdlet does must not depend on it.</summary>
    [PesterTheory]
    [InlineData("Cmdlets.Tests.ps1")]
    [InlineData("MainStory.Tests.ps1")]
    public void Passes_against_a_server(string file) => Run(file, new() { ["MESSAGESTORE_PESTER_SERVER"] = "1" });

    private void Run(string file, Dictionary<string, string> environment)
    {
        string path = Path.Combine(Path.GetTempPath(), $"pester-{Guid.NewGuid():n}.json");
        try
        {
            string command = $"& '{Quote(Path.Combine(Folder, Runner))}' -Path '{Quote(Path.Combine(Folder, file))}' -ReportPath '{Quote(path)}'";
            (int? code, string output) = PowerShellHost.Run(command, FileTime, Folder, environment);
            Assert.True(code is not null, $"{file} was not done after {FileTime}.\n{output}");
            Assert.True(File.Exists(path), $"Pester did not run {file} (exit code {code}).\n{output}");
            PesterReport report = PesterReport.Read(path);
            log.WriteLine($"{file}: {report}");
            Assert.True(report.Failed + report.Broken == 0, $"{file}: {report}\n{string.Join("\n", report.Failures)}");
            Assert.True(report.Passed + report.Skipped > 0, $"{file} ran no tests at all.\n{output}");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Quote(string text) => text.Replace("'", "''", StringComparison.Ordinal);

    private static string FindFolder()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "tests", "pester");
            if (Directory.Exists(candidate)) return candidate;
        }

        throw new DirectoryNotFoundException("No folder tests/pester above " + AppContext.BaseDirectory);
    }
}
