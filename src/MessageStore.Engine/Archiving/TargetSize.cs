using System.Globalization;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// How old mail must be to be archived so that the mail that stays in the store is below a size: one pass over the index, bytes summed up by the hour of receipt, and then the oldest hours
/// until it is enough.
/// </summary>
internal static class TargetSize
{
    /// <param name="hotBytes">Bytes of mail in the store now.</param>
    /// <param name="target">Bytes that may stay.</param>
    /// <returns>Take what was received before this; and a sentence about it.</returns>
    public static (DateTimeOffset Limit, string Note) Find(
        IEnumerable<(StorageGroup Group, string Mailbox)> users, ArchiveRules rules, long hotBytes, long target, DateTimeOffset now, CancellationToken cancellationToken)
    {
        long excess = hotBytes - target;
        if (excess <= 0) return (DateTimeOffset.MinValue, string.Create(CultureInfo.InvariantCulture, $"The store holds {hotBytes} bytes of mail, which is within {target}: there is nothing to archive."));
        var byHour = new SortedDictionary<long, long>();
        foreach ((StorageGroup group, string mailbox) in users)
        {
            if (rules.For(mailbox) is not { } criteria || !group.TryFindMailbox(mailbox, out int number)) continue;
            bool[] folders = criteria.MatchingFolders(group.FolderNames(number));
            foreach (IndexEntry entry in group.List(number))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entry.IsArchived || (!entry.IsTagged && !criteria.Matches(entry, folders))) continue;
                long hour = entry.ReceivedTicks / TimeSpan.TicksPerHour;
                byHour[hour] = byHour.GetValueOrDefault(hour) + entry.Length;
            }
        }
        long sum = 0;
        foreach ((long hour, long bytes) in byHour)
        {
            sum += bytes;
            if (sum < excess) continue;
            var limit = new DateTimeOffset((hour + 1) * TimeSpan.TicksPerHour, TimeSpan.Zero);
            return (limit, string.Create(CultureInfo.InvariantCulture, $"To come below {target} bytes, mail received before {limit:u} is archived: what is older than {(now - limit).TotalDays:0.#} days."));
        }
        return (DateTimeOffset.MaxValue, string.Create(CultureInfo.InvariantCulture, $"The criteria allow {sum} bytes to be archived, which leaves {hotBytes - sum} in the store: more than {target}."));
    }
}
