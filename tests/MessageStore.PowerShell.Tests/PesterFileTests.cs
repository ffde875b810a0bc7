using System.Globalization;
using System.Xml.Linq;
using Xunit.Abstractions;

namespace MessageStore.PowerShell.Tests;

/// <summary>Runs each Pester file in a PowerShell of its own.</summary>
public sealed class PesterFileTests(ITestOutputHelper log)
{
    /// <summary>The longest that one file may take.</summary>
    private static readonly TimeSpan FileTime = TimeSpan.FromMinutes(10);

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
    public void Passes(string file)
    {
        string report = Path.Combine(Path.GetTempPath(), $"pester-{Guid.NewGuid():n}.xml");
        try
        {
            string command = string.Join("; ",
                "$ErrorActionPreference = 'Stop'",
                "Import-Module Pester -MinimumVersion 5.0 -MaximumVersion 5.999",
                "$c = New-PesterConfiguration",
                $"$c.Run.Path = '{Quote(Path.Combine(Folder, file))}'",
                "$c.Run.Exit = $false",
                "$c.Run.PassThru = $true",
                "$c.Output.Verbosity = 'None'",
                "$c.TestResult.Enabled = $true",
                "$c.TestResult.OutputFormat = 'JUnitXml'",
                $"$c.TestResult.OutputPath = '{Quote(report)}'",
                "$r = Invoke-Pester -Configuration $c",
                "foreach ($f in $r.FailedContainers + $r.FailedBlocks) { foreach ($e in $f.ErrorRecord) { \"BROKEN: $f $($e.Exception.Message)\" } }",
                "\"COUNTS: $($r.PassedCount) passed, $($r.FailedCount) failed, $($r.SkippedCount) skipped, $($r.FailedContainersCount + $r.FailedBlocksCount) broken\"");
            (int? code, string output) = PowerShellHost.Run(command, FileTime, Folder);
            Assert.True(code is not null, $"{file} was not done after {FileTime}.\n{output}");
            string? counts = output.Split('\n').LastOrDefault(line => line.StartsWith("COUNTS: ", StringComparison.Ordinal));
            Assert.True(counts is not null && File.Exists(report), $"Pester did not run {file} (exit code {code}).\n{output}");
            log.WriteLine(counts);
            Judge(file, XDocument.Load(report), counts, output);
        }
        finally
        {
            File.Delete(report);
        }
    }

    private static void Judge(string file, XDocument report, string counts, string output)
    {
        List<XElement> cases = [.. report.Descendants("testcase")];
        List<string> failures = [.. cases
            .Where(test => test.Element("failure") is not null || test.Element("error") is not null)
            .Select(test => $"{test.Attribute("name")?.Value}\n    {(test.Element("failure") ?? test.Element("error"))?.Attribute("message")?.Value}")];
        Assert.True(failures.Count == 0, $"{file}: {counts}\n{string.Join("\n", failures)}");
        Assert.True(counts.Contains(" 0 failed,", StringComparison.Ordinal) && counts.TrimEnd().EndsWith(" 0 broken", StringComparison.Ordinal), $"{file}: {counts}\n{output}");
        int ran = int.Parse(counts.Split(' ')[1], CultureInfo.InvariantCulture);
        bool allSkipped = cases.Count > 0 && cases.All(test => test.Element("skipped") is not null);
        Assert.True(ran > 0 || allSkipped, $"{file} ran no tests at all.\n{output}");
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
