using System.Globalization;

namespace MessageStore.Bench;

/// <summary>What every benchmark understands.</summary>
internal sealed record BenchArguments(string Path, double Seconds, int[] Writers, int[] Sizes, int Rounds, bool Json, int[] Messages, bool Peer, int Mailboxes = 1000, int Large = 1_000_000)
{
    /// <summary>Sizes of databases in GB of 10^9 bytes, where a bench goes by that.</summary>
    public double[] Gigabytes { get; init; } = [];

    /// <summary>How long something that goes on and on is watched; 0 for not at all.</summary>
    public double Minutes { get; init; }

    /// <summary>Messages a second of a load that does not hurry.</summary>
    public int Rate { get; init; } = 300;

    /// <summary>Seconds of the same load before what is measured, for what compiles code at first.</summary>
    public double WarmUp { get; init; }

    /// <summary>Ways of a replicated write, as <c>FanOut2</c>; empty for all.</summary>
    public string[] Ways { get; init; } = [];

    /// <summary>Whether log files wait for no backup, so that they go with the checkpoint.</summary>
    public bool Circular { get; init; }

    public static BenchArguments Parse(ReadOnlySpan<string> args)
    {
        var arguments = new BenchArguments(System.IO.Path.Combine(System.IO.Path.GetTempPath(), "messagestore-bench"), 3, [1, 16, 64], [4096], 5, false, [10_000, 100_000, 1_000_000], false);
        for (int i = 0; i < args.Length; i++)
        {
            arguments = args[i] switch
            {
                "--peer" => arguments with { Peer = true },
                "--messages" => arguments with { Messages = Numbers(args[++i]) },
                "--mailboxes" => arguments with { Mailboxes = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--large" => arguments with { Large = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--gigabytes" => arguments with { Gigabytes = [.. args[++i].Split(',').Select(n => double.Parse(n, CultureInfo.InvariantCulture))] },
                "--minutes" => arguments with { Minutes = double.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--rate" => arguments with { Rate = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--warm-up" => arguments with { WarmUp = double.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--ways" => arguments with { Ways = args[++i].Split(',') },
                "--circular" => arguments with { Circular = true },
                "--json" => arguments with { Json = true },
                "--path" => arguments with { Path = args[++i] },
                "--seconds" => arguments with { Seconds = double.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--rounds" => arguments with { Rounds = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--writers" => arguments with { Writers = Numbers(args[++i]) },
                "--sizes" => arguments with { Sizes = Numbers(args[++i]) },
                _ => throw new ArgumentException($"Unknown option {args[i]}."),
            };
        }
        return arguments;
    }

    private static int[] Numbers(string list) => [.. list.Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
}
