using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>Which criteria a run applies in which mailbox: those it was given, or those of the policies.</summary>
/// <param name="policies">The database's own policy under <c>*</c>, and those of mailboxes under their names.</param>
internal sealed class ArchiveRules(ArchiveOptions options, IReadOnlyDictionary<string, ArchivePolicy> policies, DateTimeOffset now)
{
    private readonly ArchiveCriteria given = new(options, now);

    /// <summary>Takes only what was received before this, whatever else holds.</summary>
    public DateTimeOffset? Limit { get; set; }

    /// <summary>The criteria for a mailbox; <see langword="null"/> where nothing is to be archived in it.</summary>
    public ArchiveCriteria? For(string mailbox)
    {
        if (!given.MatchesMailbox(mailbox)) return null;
        ArchiveOptions mine = options;
        if (options.UsePolicies)
        {
            ArchivePolicy? common = policies.GetValueOrDefault("*");
            ArchivePolicy? policy = policies.TryGetValue(mailbox, out ArchivePolicy? own) ? Over(own, common) : common;
            if (policy is null or { Never: true } or { OlderThan: null }) return null;
            mine = options with
            {
                OlderThan = policy.OlderThan,
                ReadState = policy.ReadState ?? ReadState.Any,
                Folders = policy.Folders ?? [],
                MinimumSize = policy.MinimumSize,
                KeepFlagged = policy.KeepFlagged ?? false,
                RetainFor = options.RetainFor ?? policy.RetainFor,
            };
        }
        return Limit is null ? new ArchiveCriteria(mine, now) : new ArchiveCriteria(mine with { Before = mine.Before < Limit ? mine.Before : Limit }, now);
    }

    /// <summary>A policy where it says something, another where it does not.</summary>
    public static ArchivePolicy Over(ArchivePolicy policy, ArchivePolicy? other) => other is null ? policy : new ArchivePolicy
    {
        OlderThan = policy.OlderThan ?? other.OlderThan,
        ReadState = policy.ReadState ?? other.ReadState,
        Folders = policy.Folders ?? other.Folders,
        MinimumSize = policy.MinimumSize ?? other.MinimumSize,
        KeepFlagged = policy.KeepFlagged ?? other.KeepFlagged,
        RetainFor = policy.RetainFor ?? other.RetainFor,
        Never = policy.Never ?? other.Never,
    };
}
