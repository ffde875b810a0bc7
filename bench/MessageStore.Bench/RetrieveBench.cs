using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using MessageStore.Messages;

namespace MessageStore.Bench;

/// <summary>
/// Retrieval by Id over HTTP: messages that lie on two storage nodes, asked for by <c>wrk</c> over 64 connections; nodes, retrieval server and load share the machine. With <c>--peer</c>, nginx that
/// serves the same bytes from files, asked in the same way.
/// </summary>
internal static partial class RetrieveBench
{
    private const int Connections = 64;
    private const int Nodes = 2;

    public static async Task<IReadOnlyList<BenchRow>> RunAsync(BenchArguments arguments)
    {
        int size = arguments.Sizes[0], count = arguments.Messages[0];
        using BenchCluster cluster = await BenchCluster.StartAsync(arguments.Path, Nodes).ConfigureAwait(false);
        string database = Path.Combine(arguments.Path, "db"), key = Path.Combine(arguments.Path, "key"), files = Path.Combine(arguments.Path, "files");
        Guid[] ids = await FillAsync(database, key, Path.Combine(arguments.Path, "nodes.json"), files, size, count).ConfigureAwait(false);
        string one = await ScriptAsync(Path.Combine(arguments.Path, "one.lua"), ids[..1]).ConfigureAwait(false), all = await ScriptAsync(Path.Combine(arguments.Path, "all.lua"), ids).ConfigureAwait(false);

        (string Name, string Script)[] loads = [($"one message of {size} B", one), ($"{count} messages of {size} B", all)];
        using NginxPeer? nginx = arguments.Peer ? NginxPeer.Start(arguments.Path, files) : null;
        var rows = new List<BenchRow>();
        foreach (int cache in (int[])[64, 0])
        {
            (BenchServer server, string url) = await BenchServer.StartAsync(database, ["--retrieval", "127.0.0.1:0", "--retrieval-key-file", key, "--retrieval-cache", Text(cache)], "messages by Id at ").ConfigureAwait(false);
            await using (server.ConfigureAwait(false))
            {
                if (arguments.WarmUp > 0) await LoadAsync(arguments.WarmUp, url, all).ConfigureAwait(false);
                foreach ((string name, string script) in loads) rows.Add(await CompareAsync(arguments, $"{name}, cache {cache} MiB", url, nginx?.Url, script).ConfigureAwait(false));
            }
        }
        return rows;
    }

    /// <summary>Asks the one and the other in turn: what else the machine does meets both.</summary>
    private static async Task<BenchRow> CompareAsync(BenchArguments arguments, string name, string url, string? peerUrl, string script)
    {
        List<double> ours = [], peers = [];
        string note = "";
        for (int round = 0; round < arguments.Rounds; round++)
        {
            (double rate, string percentile) = await LoadAsync(arguments.Seconds, url, script).ConfigureAwait(false);
            ours.Add(rate);
            note = $"p99 {percentile}";
            if (peerUrl is null) continue;
            (rate, percentile) = await LoadAsync(arguments.Seconds, peerUrl, script).ConfigureAwait(false);
            peers.Add(rate);
            note += $"; nginx {percentile}";
        }
        return new BenchRow(name, BenchRow.Median(ours), peers.Count > 0 ? BenchRow.Median(peers) : null, "requests/s", note);
    }

    /// <summary>Archives messages to the nodes, and puts the same bytes into files of the same names.</summary>
    private static async Task<Guid[]> FillAsync(string database, string key, string directory, string files, int size, int count)
    {
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database }).ConfigureAwait(false);
        Directory.CreateDirectory(Path.Combine(files, "messages"));
        var ids = new Guid[count];
        IMessageStore store = await MessageDatabase.OpenAsync(database).ConfigureAwait(false);
        await using (store.ConfigureAwait(false))
        {
            await store.SetNodesAsync(new NodeSettings { Directory = directory, KeyFile = key }).ConfigureAwait(false);
            await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (n, stop) =>
            {
                byte[] bytes = BenchGroup.Body(size);
                using MessageBody body = MessageBody.FromMemory(bytes);
                StoredMessage stored = await store.AppendAsync(new MessageToAppend { Mailbox = $"user{n % 8}", Body = body, CreateMailbox = true }, stop).ConfigureAwait(false);
                ids[n] = stored.Id;
                await File.WriteAllBytesAsync(Path.Combine(files, "messages", stored.Id.ToString()), bytes, stop).ConfigureAwait(false);
            }).ConfigureAwait(false);
            ArchiveRun run = await store.ArchiveAsync(new ArchiveOptions { Before = DateTimeOffset.MaxValue }).ConfigureAwait(false);
            if (run.Moved != count) throw new InvalidOperationException($"{run.Moved} of {count} messages were archived: {run.Receipts.FirstOrDefault(r => r.Failed > 0)?.Reason}");
        }
        return ids;
    }

    /// <summary>A script for wrk that asks for one message after the other.</summary>
    private static async Task<string> ScriptAsync(string path, Guid[] ids)
    {
        await File.WriteAllTextAsync(path, $$"""
            local ids = { {{string.Join(", ", ids.Select(id => $"\"{id}\""))}} }
            local at = 0
            request = function()
              at = at % #ids + 1
              return wrk.format("GET", "/messages/" .. ids[at])
            end

            """).ConfigureAwait(false);
        return path;
    }

    private static async Task<(double Rate, string Percentile)> LoadAsync(double seconds, string url, string script)
    {
        var start = new ProcessStartInfo("wrk", ["-t1", $"-c{Connections}", $"-d{Text((int)Math.Ceiling(seconds))}s", "--latency", "-s", script, "-H", $"Authorization: Bearer {BenchCluster.Key}", url])
        {
            RedirectStandardOutput = true,
        };
        using Process wrk = Process.Start(start)!;
        string output = await wrk.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await wrk.WaitForExitAsync().ConfigureAwait(false);
        if (output.Contains("Non-2xx", StringComparison.Ordinal) || !Rate().IsMatch(output)) throw new InvalidOperationException($"wrk says: {output}");
        return (double.Parse(Rate().Match(output).Groups[1].Value, CultureInfo.InvariantCulture), Percentile().Match(output).Groups[1].Value);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"99%\s+(\S+)")]
    private static partial Regex Percentile();
}
