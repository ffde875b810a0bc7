using System.Globalization;
using MessageStore.Searching;

namespace MessageStore;

/// <summary>What one search has to say beside its hits. Nothing that was left out stays unsaid: where nobody listens the search ends at once with an error.</summary>
internal sealed class SearchNotices(IProgress<SearchNotice>? told)
{
    /// <summary>From so many messages on it is said that they are read one by one.</summary>
    private const int WorthSaying = 1000;

    private SearchNotice? unread;

    /// <exception cref="MessageStoreException">Something is left out, and there is nobody to tell.</exception>
    public void Tell(SearchNotice notice)
    {
        if (told is not null) told.Report(notice);
        else if (notice.MayMissHits) throw new MessageStoreException(notice.Id, notice.Id == ErrorIds.ArchiveAccessDenied ? ErrorKind.Denied : ErrorKind.Damaged, notice.Message, notice.Target);
    }

    /// <summary>Says what the index of a group could not tell.</summary>
    /// <param name="trouble">What keeps the index from being made; empty where nothing does.</param>
    public void Tell(GroupSearch group, SearchHits hits, string trouble)
    {
        (int undecided, int unreadable, string reason) = group.Shortfall(hits);
        string name = group.Group.Name;
        if (unreadable > 0)
            Tell(Incomplete(name, unreadable, true, $"{unreadable} messages of storage group {name} cannot be read and were not searched, the last of them because of {reason} Then run Update-MessageSearchIndex."));
        if (undecided >= WorthSaying || (undecided > 0 && trouble.Length > 0))
            Tell(Incomplete(name, undecided, false, $"{undecided} messages of storage group {name} are not indexed and are read one by one, which takes longer: {(trouble.Length > 0 ? trouble : "the index is still being made")}"));
    }

    /// <summary>Says that a message cannot be read: the first at once, all of them at the end.</summary>
    public void TellUnread(MessageStoreException error, Guid id)
    {
        bool isFirst = unread is null;
        unread = (unread ?? new SearchNotice { Id = error.ErrorId, Target = id.ToString(), MayMissHits = true, Message = $"A message could not be searched: {error.Message}" }) with { Count = 1 + (unread?.Count ?? 0) };
        if (isFirst) Tell(unread);
    }

    /// <summary>Behind the last hit.</summary>
    public void Complete()
    {
        if (unread is { Count: > 1 }) Tell(unread with { Message = string.Create(CultureInfo.InvariantCulture, $"{unread.Count} messages could not be searched. The first: {unread.Message}") });
    }

    private static SearchNotice Incomplete(string group, int count, bool mayMiss, FormattableString message) => new()
    {
        Id = ErrorIds.SearchIndexIncomplete, Target = group, Count = count, MayMissHits = mayMiss, Message = message.ToString(CultureInfo.InvariantCulture),
    };
}
