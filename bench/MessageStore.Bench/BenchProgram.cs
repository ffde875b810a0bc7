namespace MessageStore.Bench;

/// <summary>Chooses a benchmark by its name.</summary>
internal static class BenchProgram
{
    private static readonly Dictionary<string, Func<BenchArguments, Task<IReadOnlyList<BenchRow>>>> Benches = new()
    {
        ["append"] = AppendPeers.RunAsync,
        ["open"] = OpenBench.RunAsync,
        ["replay"] = ReplayBench.RunAsync,
        ["read"] = ReadBench.RunAsync,
        ["list"] = ListBench.RunAsync,
        ["memory"] = MemoryBench.RunAsync,
        ["growth"] = GrowthBench.RunAsync,
        ["search"] = SearchBench.RunAsync,
        ["backup"] = BackupBench.RunAsync,
        ["restore"] = RestoreBench.RunAsync,
        ["drill"] = RestoreBench.RunDrillsAsync,
        ["archive"] = ArchiveBench.RunAsync,
        ["lmtp"] = LmtpBench.RunAsync,
        ["server"] = ServerBench.RunAsync,
        ["replicate"] = ReplicateBench.RunAsync,
        ["retrieve"] = RetrieveBench.RunAsync,
        ["repair"] = RepairBench.RunAsync,
        ["checksums"] = _ => Own(ChecksumBench.Run),
        ["records"] = a => Own(() => RecordBench.Run(Made(a.Path))),
        ["keys"] = a => Own(() => KeyBench.Run(Made(a.Path))),
    };

    /// <summary>A benchmark that prints its own table.</summary>
    private static Task<IReadOnlyList<BenchRow>> Own(Action run)
    {
        run();
        return Task.FromResult<IReadOnlyList<BenchRow>>([]);
    }

    private static string Made(string folder) => Directory.CreateDirectory(folder).FullName;

    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Length > 0 && args[0] == OpenBench.ChildCommand) return await OpenBench.RunChildAsync(args).ConfigureAwait(false);
        if (args.Length == 0 || !Benches.TryGetValue(args[0], out Func<BenchArguments, Task<IReadOnlyList<BenchRow>>>? bench))
        {
            Console.Error.WriteLine($"usage: MessageStore.Bench {string.Join('|', Benches.Keys)} [--path FOLDER] [--seconds N] [--writers N,N] [--sizes BYTES,BYTES] [--rounds N] [--messages N,N] [--mailboxes N] [--large N] [--gigabytes N,N] [--minutes N] [--rate N] [--circular] [--peer] [--json]");
            return 2;
        }
        var arguments = BenchArguments.Parse(args.AsSpan(1));
        BenchRow.Print(await bench(arguments).ConfigureAwait(false), arguments.Json);
        return 0;
    }
}
