using System.Text.Json;

namespace MessageStore.PowerShell.Tests;

/// <summary>What Pester says of one file, as <c>Run-PesterFile.ps1</c> writes it.</summary>
internal sealed record PesterReport(int Passed, int Failed, int Skipped, int Broken, IReadOnlyList<string> Failures)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static PesterReport Read(string path) => JsonSerializer.Deserialize<PesterReport>(File.ReadAllBytes(path), Json)!;

    public override string ToString() => $"{Passed} passed, {Failed} failed, {Skipped} skipped, {Broken} broken";
}
