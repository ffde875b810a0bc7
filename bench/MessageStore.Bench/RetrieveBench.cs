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

        (double Rate, string Note)? peerOne = null, peerAll = null;
        if (arguments.Peer)
        {
            using NginxPeer? nginx = NginxPeer.Start(arguments.Path, files);
            if (nginx is not null) (peerOne, peerAll) = (await LoadAsync(arguments, nginx.Url, one).ConfigureAwait(false), await LoadAsync(arguments, nginx.Url, all).ConfigureAwait(false));
        }
        var rows = new List<BenchRow>();
        foreach (int cache in (int[])[64, 0])
        {
            (BenchServer server, string url) = await BenchServer.StartAsync(database, ["--retrieval", "127.0.0.1:0", "--retrieval-key-file", key, "--retrieval-cache", Text(cache)], "messages by Id at ").ConfigureAwait(false);
            await using (server.ConfigureAwait(false))
            {
                rows.Add(Row($"one message of {size} B, cache {cache} MiB", await LoadAsync(arguments, url, one).ConfigureAwait(false), peerOne));
                rows.Add(Row($"{count} messages of {size} B, cache {cache} MiB", await LoadAsync(arguments, url, all).ConfigureAwait(false), peerAll));
            }
        }
        return rows;
    }

    private static BenchRow Row(string name, (double Rate, string Note) ours, (double Rate, string Note)? peer) =>
        new(name, ours.Rate, peer?.Rate, "requests/s", peer is null ? ours.Note : $"{ours.Note}; nginx {peer.Value.Note}");

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

    private static async Task<(double Rate, string Note)> LoadAsync(BenchArguments arguments, string url, string script)
    {
        var rates = new List<double>();
        string last = "";
        for (int round = 0; round < arguments.Rounds; round++)
        {
            var start = new ProcessStartInfo("wrk", ["-t1", $"-c{Connections}", $"-d{Text((int)Math.Ceiling(arguments.Seconds))}s", "--latency", "-s", script, "-H", $"Authorization: Bearer {BenchCluster.Key}", url])
            {
                RedirectStandardOutput = true,
            };
            using Process wrk = Process.Start(start)!;
            string output = await wrk.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
            await wrk.WaitForExitAsync().ConfigureAwait(false);
            if (output.Contains("Non-2xx", StringComparison.Ordinal) || !Rate().IsMatch(output)) throw new InvalidOperationException($"wrk says: {output}");
            rates.Add(double.Parse(Rate().Match(output).Groups[1].Value, CultureInfo.InvariantCulture));
            last = Percentile().Match(output).Groups[1].Value;
        }
        return (BenchRow.Median(rates), $"p99 {last}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"99%\s+(\S+)")]
    private static partial Regex Percentile();
}
