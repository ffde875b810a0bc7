using System.Globalization;
using System.Text.Json;

namespace MessageStore.Bench;

/// <summary>One line of a result: our figure, the peer's where one was measured in the same run, and what they count.</summary>
internal sealed record BenchRow(string Name, double Ours, double? Peer, string Unit, string Note = "")
{
    public double? Ratio => Peer is > 0 ? Ours / Peer : null;

    public static void Print(IReadOnlyList<BenchRow> rows, bool json)
    {
        foreach (BenchRow row in rows)
        {
            if (json) Console.WriteLine(JsonSerializer.Serialize(row));
            else Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row.Name,-34} {row.Ours,14:N1} {(row.Peer is { } peer ? peer.ToString("N1", CultureInfo.InvariantCulture) : ""),14} {row.Unit,-12} {(row.Ratio is { } ratio ? ratio.ToString("N2", CultureInfo.InvariantCulture) + " x" : ""),-9} {row.Note}"));
        }
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
