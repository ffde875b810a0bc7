namespace MessageStore.Replication;

/// <summary>
/// Chooses nodes as RFC 2782 chooses servers: groups (priorities) in ascending order, and within a group one after the other at random by weight. The same order serves
/// for the choice and, further down, for whom to ask when one fails.
/// </summary>
/// <param name="random">Where chance comes from.</param>
/// <param name="time">Tells which records have run out.</param>
/// <param name="database">The database that records are of: units that serve another are left out.</param>
internal sealed class NodeSelector(Random random, TimeProvider time, Guid database = default)
{
    private readonly Lock gate = new();

    /// <summary>Orders the nodes that take records. Different nodes by construction: each comes once.</summary>
    /// <param name="records">What the directory says.</param>
    /// <param name="isSuspect">Whether a node failed lately: such nodes come last in their group.</param>
    public IReadOnlyList<NodeChoice> Order(IReadOnlyList<StorageServerRecord> records, Func<string, bool>? isSuspect = null)
    {
        DateTimeOffset now = time.GetUtcNow();
        var choices = new List<NodeChoice>();
        lock (gate)
        {
            IEnumerable<IGrouping<(int Group, bool Suspect), StorageServerRecord>> groups = records
                .Where(r => r.Expires is not { } end || end > now)
                .Where(r => r.Units.Any(TakesRecords))
                .GroupBy(r => (r.Group, isSuspect?.Invoke(r.Name) ?? false))
                .OrderBy(g => g.Key);
            foreach (IGrouping<(int Group, bool Suspect), StorageServerRecord> group in groups) Draw([.. group], choices);
        }
        return choices;
    }

    /// <summary>
    /// A number from 1 to the sum of weights, and the first whose running sum reaches it; then again with the rest. (RFC 2782 draws from 0 on, which would give the first of
    /// two nodes of weight 1 two thirds.) Nodes of weight 0 are drawn when no other is left, all alike.
    /// </summary>
    private void Draw(List<StorageServerRecord> left, List<NodeChoice> choices)
    {
        while (left.Count > 0)
        {
            long sum = left.Sum(r => (long)r.Weight);
            int index = 0;
            if (sum == 0) index = random.Next(left.Count);
            else for (long drawn = random.NextInt64(sum) + 1 - left[0].Weight; drawn > 0; drawn -= left[index].Weight) index++;
            StorageServerRecord node = left[index];
            left.RemoveAt(index);
            string[] units = [.. node.Units.Where(TakesRecords).Select(u => $"{node.Name}/{u.Name}")];
            random.Shuffle(units);
            choices.Add(new NodeChoice(node, units));
        }
    }

    private bool TakesRecords(StorageUnitRecord unit) => unit.Availability == UnitAvailability.Available && (unit.Database is not { } served || served == database || database == Guid.Empty);
}

/// <summary>A node that was chosen, and its units that take records, in the order in which they are to be tried.</summary>
/// <param name="Node">The node.</param>
/// <param name="Units">Units as keys name them: <c>node/unit</c>. One at least.</param>
internal sealed record NodeChoice(StorageServerRecord Node, IReadOnlyList<string> Units);
