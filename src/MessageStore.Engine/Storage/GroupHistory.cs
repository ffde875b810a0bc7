namespace MessageStore.Storage;

/// <summary>
/// A part of a group's past. Every restore begins one: what is committed after it has the numbers of transactions that it may have left behind, and is something else. So a number alone does not say which transaction
/// is meant, a number and its history do (docs/format-log.md).
/// </summary>
/// <param name="Id">Random. The history in which a group was created has none: it is <see cref="Guid.Empty"/> and never listed.</param>
/// <param name="FirstLsn">The first transaction of this history; those before it are of the one listed before.</param>
internal sealed record GroupHistory(Guid Id, ulong FirstLsn)
{
    /// <summary>How many are kept, so that a log's header has room for them. Those before count as one with the oldest kept, so that they are never taken for another group's past.</summary>
    public const int MostKept = 32;

    /// <summary>The history of a transaction.</summary>
    /// <param name="histories">In the order in which they began.</param>
    /// <param name="lsn">Number of the transaction.</param>
    public static Guid Of(IReadOnlyList<GroupHistory> histories, ulong lsn) => histories.LastOrDefault(h => h.FirstLsn <= lsn)?.Id ?? Guid.Empty;

    /// <summary>A history begins; one in which nothing was committed is forgotten for it.</summary>
    public static IReadOnlyList<GroupHistory> Begin(IReadOnlyList<GroupHistory> histories, Guid id, ulong firstLsn)
    {
        List<GroupHistory> all = [.. histories.Where(h => h.FirstLsn < firstLsn), new GroupHistory(id, firstLsn)];
        return all.Count <= MostKept ? all : [all[^MostKept] with { FirstLsn = 1 }, .. all.Skip(all.Count - MostKept + 1)];
    }

    /// <summary>A history in a sentence.</summary>
    public static string Describe(Guid id) => id == Guid.Empty ? "the history that the group was created in" : $"history {id}";
}
