using System.Collections.Concurrent;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>
/// The sender's part: stores records on as many units on different nodes as asked for, and calls them stored only when that many have acknowledged. Where one fails, the
/// next takes its place. What is promised, and what each failure means: docs/replication.md. Thread-safe; callers at the same time share requests.
/// </summary>
/// <param name="directory">What is known of nodes.</param>
/// <param name="connector">Leads to them.</param>
/// <param name="selector">Orders them.</param>
/// <param name="options">How many copies, and by which way.</param>
internal sealed class ReplicatedWriter(DirectoryCache directory, INodeConnector connector, NodeSelector selector, ReplicationOptions options)
{
    private readonly ConcurrentDictionary<string, AppendLane> lanes = new(StringComparer.Ordinal);

    /// <summary>Stores records: all of them on the same units.</summary>
    /// <param name="records">1 to <see cref="AppendRequest.RecordCountLimit"/>, at most <see cref="AppendRequest.BytesLimit"/> bytes or one.</param>
    /// <param name="without">Units whose nodes are to be left out: they have the records already.</param>
    /// <param name="copies">How many; <see langword="null"/> for what the options say.</param>
    /// <param name="cancellationToken">Ends the call between two attempts; what is under way is waited for.</param>
    /// <returns>The acknowledgement of each unit.</returns>
    /// <exception cref="MessageStoreException">NotEnoughCopies, with each unit's answer; DirectoryUnavailable.</exception>
    public async Task<IReadOnlyList<HopAnswer>> WriteAsync(
        IReadOnlyList<SentRecord> records, IReadOnlyCollection<string>? without = null, int? copies = null, CancellationToken cancellationToken = default)
    {
        int wanted = copies ?? options.Copies;
        HashSet<string> excluded = [.. (without ?? []).Select(DirectoryCache.NodeOf)];
        IReadOnlyList<StorageServerRecord> known = await directory.ListAsync(cancellationToken).ConfigureAwait(false);
        var candidates = new Queue<Candidate>(selector.Order([.. known.Where(r => !excluded.Contains(r.Name))], directory.IsSuspect).Select(c => new Candidate(c)));
        var stored = new List<HopAnswer>();
        var failed = new List<HopAnswer>();
        if (candidates.Count < wanted) throw NotEnough(wanted, candidates.Count, stored, failed);
        bool chain = options.Topology == ReplicationTopology.Chain && wanted > 1;
        while (stored.Count < wanted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<Candidate> next = [.. candidates.Take(wanted - stored.Count)];
            if (next.Count == 0) throw NotEnough(wanted, null, stored, failed);
            for (int taken = 0; taken < next.Count; taken++) candidates.Dequeue();
            if (chain) next = InOneOrder(next);

            IReadOnlyList<HopAnswer>[] answers = chain
                ? [await LaneFor(next).SendAsync(records).ConfigureAwait(false)]
                : await Task.WhenAll(next.Select(c => LaneFor([c]).SendAsync(records))).ConfigureAwait(false);
            chain = false; // what a broken chain did not bring is sent directly
            var again = new List<Candidate>();
            bool isBroken = false;
            foreach ((HopAnswer answer, Candidate candidate) in answers.SelectMany(a => a).Zip(next))
            {
                if (answer.IsAcknowledged)
                {
                    directory.Trust(candidate.Node);
                    stored.Add(answer);
                    continue;
                }
                if (isBroken)
                {
                    again.Add(candidate); // behind the break: nobody asked it
                    continue;
                }
                isBroken = answers.Length == 1 && answer.Error!.ErrorId is ErrorIds.NodeUnavailable or ErrorIds.NodeRefused;
                failed.Add(answer);
                if (candidate.TryNextUnit(answer.Error!)) again.Add(candidate);
                else directory.Suspect(candidate.Node);
            }

            // Another unit of the same node, or the same once more, comes before the next node.
            candidates = new Queue<Candidate>([.. again, .. candidates]);
        }
        return stored;
    }

    /// <summary>
    /// The same nodes always in the same order, whichever was drawn first: what goes the same way shares requests, and of n nodes there are n! times as many ways otherwise. Who is first,
    /// and so forwards, differs from set to set by their names.
    /// </summary>
    private static List<Candidate> InOneOrder(List<Candidate> drawn)
    {
        Candidate[] sorted = [.. drawn.OrderBy(c => c.Node, StringComparer.Ordinal)];
        int first = (int)(Crc32C.Compute(Encoding.UTF8.GetBytes(string.Join(' ', sorted.Select(c => c.Node)))) % (uint)sorted.Length);
        return [.. sorted[first..], .. sorted[..first]];
    }

    private AppendLane LaneFor(IReadOnlyList<Candidate> way) => lanes.GetOrAdd(
        string.Join(' ', way.Select(c => $"{c.Hop.Url} {c.Hop.Unit}")),
        _ => new AppendLane(connector.Connect(way[0].Hop.Url), [.. way.Select(c => c.Hop)], options.Database, options.RequestsInFlight));

    private static MessageStoreException NotEnough(int wanted, int? available, List<HopAnswer> stored, List<HopAnswer> failed)
    {
        IEnumerable<string> lines = [.. stored.Select(a => $"{a.Unit} has acknowledged."), .. failed.Select(a => $"{a.Unit}: {a.Error!.Message}")];
        string said = available is { } count ? $"{count} storage nodes take records" : $"{stored.Count} units acknowledged";
        return new MessageStoreException(ErrorIds.NotEnoughCopies, ErrorKind.Device,
            $"{said}, and {wanted} copies were asked for. {string.Join(' ', lines)}".TrimEnd(), failed.FirstOrDefault()?.Unit, failed.FirstOrDefault()?.Error);
    }

    /// <summary>A node of the order, with the unit that is its turn.</summary>
    private sealed class Candidate(NodeChoice choice)
    {
        private int unit;
        private bool sentAgain;

        public string Node => choice.Node.Name;

        public Hop Hop => new(choice.Node.Url, choice.Units[unit]);

        /// <summary>Whether the node may be tried again after an error: on another unit where only the unit failed, on the same where bytes were damaged on their way.</summary>
        public bool TryNextUnit(MessageStoreException error)
        {
            if (error.ErrorId == ErrorIds.MessageDamaged) return !sentAgain && (sentAgain = true);
            return error.ErrorId is ErrorIds.UnitUnavailable or ErrorIds.DiskFull or ErrorIds.UnitOfAnotherDatabase && ++unit < choice.Units.Count;
        }
    }
}
