using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Copies on storage nodes and object storage: each is fetched and unpacked. What a place has beyond what keys name is for those to find who may erase it there (<c>Test-StorageNode</c>).
/// A unit that does not answer is asked once.
/// </summary>
internal sealed class OtherPlaces(MailDatabase mail, ArchiveTargets archive, IKeyManager keys, ArchiveFindings findings, IProgress<RunProgress>? progress)
{
    private const int ProgressStep = 256;

    private readonly Dictionary<string, (long Keys, string Why, bool IsAway)> bad = new(StringComparer.Ordinal);
    private readonly HashSet<(string Target, string Unit)> away = [];

    /// <summary>Copies that are whole.</summary>
    public long Records { get; private set; }

    /// <summary>Bytes of these.</summary>
    public long Bytes { get; private set; }

    /// <summary>Archived messages whose only copy is damaged or gone.</summary>
    public long Missing { get; private set; }

    public static string NameOf(ArchiveKey key) => $"{key.Unit}/{key.Volume}";

    public async Task CheckAsync(ArchiveKey key, CancellationToken cancellationToken)
    {
        if (Records % ProgressStep == 0) progress?.Report(new RunProgress("Reading", NameOf(key), Records, 0));
        if (away.Contains((key.Target, key.Unit)))
        {
            Note($"{key.Target} {key.Unit}", "", isAway: true);
            return;
        }
        try
        {
            await archive.VerifyAsync(key, cancellationToken).ConfigureAwait(false);
            Records++;
            Bytes += key.Length;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveUnavailable)
        {
            away.Add((key.Target, key.Unit));
            Note($"{key.Target} {key.Unit}", error.Message, isAway: true);
        }
        catch (MessageStoreException error)
        {
            IReadOnlyList<ArchiveKey> copies = keys.Find(key.Id);
            if (!copies.Contains(key)) return; // recalled, moved or deleted while we read
            if (copies.Count == 1 && mail.TryFind(key.Id, out _, out IndexEntry entry) && entry.IsArchived) Missing++;
            Note(NameOf(key), error.Message, isAway: false);
        }
    }

    /// <summary>One finding for each volume with bad copies, and for each unit that is away.</summary>
    public void Report()
    {
        foreach ((string place, (long count, string why, bool isAway)) in bad)
        {
            findings.Add("", place, null, count, isAway
                ? $"The copies of {count} messages there could not be looked at: {why}"
                : $"The copies of {count} messages there are damaged or gone. The first: {why} Repair-StorageNode makes copies on storage nodes anew.");
        }
    }

    private void Note(string place, string why, bool isAway) =>
        bad[place] = bad.TryGetValue(place, out (long Keys, string Why, bool IsAway) known) ? known with { Keys = known.Keys + 1 } : (1, why, isAway);
}
