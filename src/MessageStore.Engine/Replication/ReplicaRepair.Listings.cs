using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>What units list: a few volumes' records in memory at a time, and what in them no key names.</summary>
internal sealed partial class ReplicaRepair
{
    private const int ListingsKept = 16;

    private readonly List<(string Unit, string Volume, Task<HashSet<(Guid Id, long Offset)>> Records)> listings = [];

    /// <summary>Whether the unit lists the record that a key names. Keys of one run lie close together, so few volumes are asked for again; a volume is asked for once, however many wait for it.</summary>
    private async Task<bool> IsListedAsync(ArchiveKey copy, CancellationToken cancellationToken)
    {
        Task<HashSet<(Guid Id, long Offset)>> records;
        lock (gate)
        {
            int index = listings.FindIndex(l => l.Unit == copy.Unit && l.Volume == copy.Volume && !l.Records.IsFaulted);
            if (index < 0)
            {
                if (listings.Count == ListingsKept) listings.RemoveAt(0);
                listings.Add((copy.Unit, copy.Volume, ListedAsync(copy.Unit, copy.Volume, cancellationToken)));
                index = listings.Count - 1;
            }
            records = listings[index].Records;
        }
        return (await records.ConfigureAwait(false)).Contains((copy.Id, copy.Offset));
    }

    private async Task<HashSet<(Guid Id, long Offset)>> ListedAsync(string unit, string volume, CancellationToken cancellationToken) =>
        [.. (await ListAsync(unit, volume, cancellationToken).ConfigureAwait(false)).Select(r => (r.Id, r.Offset))];

    private async Task<IReadOnlyList<ListedRecord>> ListAsync(string unit, string volume, CancellationToken cancellationToken)
    {
        if (await directory.FindAsync(unit, cancellationToken).ConfigureAwait(false) is not { } node) return [];
        try
        {
            return await connector.Connect(node.Url).ListRecordsAsync(unit, volume, cancellationToken).ConfigureAwait(false);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.PathNotFound)
        {
            return [];
        }
    }

    /// <summary>Deletes what is due on every unit that answers, and erases what no key names and is older than the grace time.</summary>
    private async Task TidyAsync(ReplicaRepairOptions options, DateTimeOffset now, CancellationToken cancellationToken)
    {
        foreach (StorageUnitStatus unit in units.Values.Where(u => u.Folder.Length > 0))
        {
            if (await directory.FindAsync(unit.Name, cancellationToken).ConfigureAwait(false) is not { } record) continue;
            if (unit.Database != (database == Guid.Empty ? null : database))
            {
                // What no key of ours names may be another database's.
                if (unit.RecordCount > 0) Report($"The storage unit {unit.Name} does not say which database it serves, so nothing is deleted or looked for on it. Start its node once with --database {database}.");
                continue;
            }
            try
            {
                IStorageNode node = connector.Connect(record.Url);

                // Whoever expires messages takes their keys away; what is held keeps its key, and with it its volume.
                HashSet<Guid> named = [.. keys.List(new KeyQuery { Target = NodesArchiveTarget.TargetName, Unit = unit.Name, DueAt = now }).Select(k => k.Id)];
                expired += await node.ExpireAsync(unit.Name, database, now, named, cancellationToken).ConfigureAwait(false);
                foreach (string volume in await node.ListVolumesAsync(unit.Name, cancellationToken).ConfigureAwait(false))
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    List<ErasedRecord> orphans = [.. (await ListAsync(unit.Name, volume, cancellationToken).ConfigureAwait(false))
                        .Where(r => r.StorageDate + options.OrphanGrace < now && !IsNamed(r, unit.Name, volume)).Select(r => new ErasedRecord(r.Id, volume, r.Offset))];
                    if (orphans.Count > 0) erased += await node.EraseAsync(unit.Name, database, orphans, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (MessageStoreException error)
            {
                Report(error.Message);
            }
        }
    }

    private bool IsNamed(ListedRecord record, string unit, string volume) =>
        keys.Find(record.Id).Any(k => k.Target == NodesArchiveTarget.TargetName && k.Unit == unit && k.Volume == volume && k.Offset == record.Offset);

    /// <summary>Holds bytes back so that no more pass in a second than allowed.</summary>
    private sealed class Pace(long? bytesPerSecond, TimeProvider time)
    {
        private readonly long started = time.GetTimestamp();
        private long passed; // of all messages that are read side by side

        public async ValueTask WaitAsync(long count, CancellationToken cancellationToken)
        {
            long sum = Interlocked.Add(ref passed, count);
            if (bytesPerSecond is not { } limit) return;
            TimeSpan ahead = TimeSpan.FromSeconds((double)sum / limit) - time.GetElapsedTime(started);
            ahead = TimeSpan.FromMilliseconds(Math.Ceiling(ahead.TotalMilliseconds)); // timers take whole milliseconds, and would cut off the rest
            if (ahead > TimeSpan.Zero) await Task.Delay(ahead, time, cancellationToken).ConfigureAwait(false);
        }
    }
}
