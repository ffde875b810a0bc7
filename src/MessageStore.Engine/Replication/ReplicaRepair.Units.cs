namespace MessageStore.Replication;

/// <summary>Which units answer. A run may take hours, and what was away when it began need not be away to its end.</summary>
internal sealed partial class ReplicaRepair
{
    /// <summary>For how long a unit that did not answer is taken for away before it is asked again.</summary>
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, StorageUnitStatus> units = [];

    /// <summary>The last time that nodes were asked; whoever wants to know meanwhile waits for the same answer.</summary>
    private Task look = Task.CompletedTask;
    private DateTimeOffset looked;

    private StorageUnitStatus? StatusOf(string unit)
    {
        lock (gate) return units.GetValueOrDefault(unit);
    }

    /// <summary>Whether a unit's node answered when it was asked last, which is not long ago where it did not.</summary>
    /// <exception cref="MessageStoreException">DirectoryUnavailable.</exception>
    private async ValueTask<bool> AnswersAsync(string unit, CancellationToken cancellationToken)
    {
        if (StatusOf(unit) is { Folder.Length: > 0 }) return true;
        Task asked;
        lock (gate)
        {
            if (look.IsCompleted && time.GetUtcNow() - looked >= LookAgainAfter) look = LookAtUnitsAsync(cancellationToken);
            asked = look;
        }
        await asked.ConfigureAwait(false);
        return StatusOf(unit) is { Folder.Length: > 0 };
    }

    /// <summary>Asks the nodes for their units. A unit that answered before and does not now stays as it was: what it is asked for next says what is wrong with it.</summary>
    private async Task LookAtUnitsAsync(CancellationToken cancellationToken)
    {
        looked = time.GetUtcNow();
        foreach (StorageServerRecord node in await directory.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                foreach (StorageUnitStatus unit in await connector.Connect(node.Url).GetStatusAsync(cancellationToken).ConfigureAwait(false))
                {
                    if (unit.Database is { } other && other != database) continue;
                    lock (gate) units[unit.Name] = unit;
                }
            }
            catch (MessageStoreException error)
            {
                Report(error.Message);
                foreach (StorageUnitRecord unit in node.Units.Where(u => u.Database is not { } served || served == database))
                {
                    string name = $"{node.Name}/{unit.Name}";
                    lock (gate) units.TryAdd(name, new StorageUnitStatus { Name = name, Folder = "", Availability = UnitAvailability.Unavailable, Reason = error.Message });
                }
            }
        }
    }
}
