using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>The administrator's criteria, ready to be applied to index entries.</summary>
internal sealed class ArchiveCriteria
{
    private readonly ArchiveOptions options;
    private readonly long beforeTicks;

    /// <param name="now">The time that ages are counted from.</param>
    public ArchiveCriteria(ArchiveOptions options, DateTimeOffset now)
    {
        this.options = options;
        long before = options.Before?.UtcTicks ?? long.MaxValue;
        if (options.OlderThan is { } age) before = Math.Min(before, (now - age).UtcTicks);
        beforeTicks = before;
    }

    /// <summary>How long the archive keeps what these criteria take; <see langword="null"/> for ever.</summary>
    public TimeSpan? RetainFor => options.RetainFor;

    public bool MatchesMailbox(string mailbox) => MatchesAny(options.Mailboxes, mailbox);

    /// <summary>Which folders of a mailbox are meant, by number.</summary>
    public bool[] MatchingFolders(IReadOnlyList<string> folders) => [.. folders.Select(f => MatchesAny(options.Folders, f))];

    public bool Matches(in IndexEntry entry, bool[] folders)
    {
        if (entry.ReceivedTicks >= beforeTicks || entry.Length < (options.MinimumSize ?? 0)) return false;
        if (entry.Folder >= folders.Length || !folders[entry.Folder]) return false;
        if (options.KeepFlagged && ((MessageFlags)entry.Flags & MessageFlags.Flagged) != 0) return false;
        bool isRead = ((MessageFlags)entry.Flags & MessageFlags.Read) != 0;
        return options.ReadState == ReadState.Any || isRead == (options.ReadState == ReadState.Read);
    }

    private static bool MatchesAny(IReadOnlyList<string> patterns, string name) =>
        patterns.Count == 0 || patterns.Any(p => Wildcard.Matches(p, name));
}
