using System.Diagnostics;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Replication;

/// <summary>
/// Compares what keys say with what units hold, and mends the difference: brings missing copies back from good ones, erases what no key names, deletes volumes that are due.
/// Keys are the authority: a copy exists because a key names it.
/// </summary>
/// <param name="keys">What is to be there.</param>
/// <param name="target">Reads copies.</param>
/// <param name="writer">Stores new ones.</param>
/// <param name="directory">What is known of nodes.</param>
/// <param name="connector">Leads to them.</param>
/// <param name="time">Tells what is due, and paces.</param>
/// <param name="database">Whose copies: units that serve another database are none of this one's business.</param>
/// <param name="messagesInFlight">Messages that are looked at side by side, and that are mended together.</param>
internal sealed partial class ReplicaRepair(
    IKeyManager keys, NodesArchiveTarget target, ReplicatedWriter writer, DirectoryCache directory, INodeConnector connector, TimeProvider time, Guid database = default,
    int messagesInFlight = ReplicaRepair.DefaultMessagesInFlight)
{
    /// <summary>Messages looked at at a time, and mended with one request to a unit and one change of keys: what either costs hardly depends on their number.</summary>
    public const int DefaultMessagesInFlight = 64;

    /// <summary>Bytes of records in memory at a time, of those that are looked at and of those that are mended, or one record of either.</summary>
    private const long BytesInFlight = 64L << 20;

    /// <summary>Batches of messages that are mended side by side: while one is being written the next is read.</summary>
    private const int BatchesInFlight = 3;

    private const int ProgressStep = 64;
    private const int ProblemLimit = 100;

    /// <summary>Guards what messages that are looked at side by side share.</summary>
    private readonly Lock gate = new();
    private readonly List<string> problems = [];

    /// <summary>
    /// Messages that got new copies in this run. Their new keys may come up behind the old ones, and the units' listings, which are older, do not know the new copies: looked at a second time
    /// these would be taken for missing, erased and written again.
    /// </summary>
    private readonly HashSet<Guid> mended = [];
    private long messages, underReplicated, restored, erased, expired, unreadable, bytes;

    /// <param name="options">How thoroughly, and at what pace.</param>
    /// <param name="progress">Told how many keys have been looked at.</param>
    /// <param name="cancellationToken">Ends the run between messages; what was mended stays mended.</param>
    /// <exception cref="MessageStoreException">DirectoryUnavailable, KeysDamaged, DeviceFailed. What one copy or unit refuses is in the result.</exception>
    public async Task<ReplicaRepairRun> RunAsync(ReplicaRepairOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        DateTimeOffset begin = time.GetUtcNow();
        await LookAtUnitsAsync(cancellationToken).ConfigureAwait(false);
        var pace = new Pace(options.BytesPerSecond, time);
        long seen = 0, total = options.Ids.Count > 0 ? options.Ids.Count : keys.Count;
        IEnumerable<ArchiveKey> wanted = options.Ids.Count > 0
            ? options.Ids.SelectMany(keys.Find).Where(k => k.Target == NodesArchiveTarget.TargetName)
            : keys.List(new KeyQuery { Target = NodesArchiveTarget.TargetName });
        var work = new WorkInFlight(messagesInFlight, BytesInFlight);
        var mending = new WorkInFlight(BatchesInFlight, BytesInFlight);
        try
        {
            foreach (ArchiveKey key in wanted)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (seen++ % ProgressStep == 0) progress?.Report(new RunProgress(options.Repair ? "Repairing copies" : "Testing copies", key.Mailbox, seen, Math.Max(seen, total)));
                List<ArchiveKey> copies = [.. keys.Find(key.Id).Where(k => k.Target == NodesArchiveTarget.TargetName).OrderBy(k => k.Unit, StringComparer.Ordinal)];
                if (copies.Count == 0 || copies[0].Unit != key.Unit || IsMended(key.Id)) continue; // each message once, with the first of its keys
                await work.BeginAsync(() => CheckAsync(copies, options, pace, cancellationToken), copies.Max(k => k.Length)).ConfigureAwait(false);
                if (TakeBatch(isLast: false) is { } batch) await mending.BeginAsync(() => MendAsync(batch, pace, cancellationToken), batch.Sum(m => m.Length)).ConfigureAwait(false);
            }
            await work.EndAsync().ConfigureAwait(false);
            while (TakeBatch(isLast: true) is { } batch) await mending.BeginAsync(() => MendAsync(batch, pace, cancellationToken), batch.Sum(m => m.Length)).ConfigureAwait(false);
        }
        finally
        {
            try
            {
                await work.EndAsync().ConfigureAwait(false);
            }
            finally
            {
                await mending.EndAsync().ConfigureAwait(false);
            }
        }
        if (options.Repair && options.Ids.Count == 0) await TidyAsync(options, begin, cancellationToken).ConfigureAwait(false);
        return new ReplicaRepairRun
        {
            Messages = messages,
            UnderReplicated = underReplicated,
            Unreadable = unreadable,
            Restored = restored,
            Erased = erased,
            Expired = expired,
            Bytes = bytes,
            Duration = time.GetElapsedTime(started),
            Units = [.. units.Values.OrderBy(u => u.Name, StringComparer.Ordinal)],
            Problems = problems,
        };
    }

    private async Task CheckAsync(List<ArchiveKey> copies, ReplicaRepairOptions options, Pace pace, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref messages);
        var good = new List<ArchiveKey>();
        var bad = new List<ArchiveKey>();
        var away = new List<ArchiveKey>();
        foreach (ArchiveKey copy in copies)
        {
            switch (await StateOfAsync(copy, options, pace, cancellationToken).ConfigureAwait(false))
            {
                case CopyState.Good:
                    good.Add(copy);
                    break;
                case CopyState.Bad:
                    bad.Add(copy);
                    break;
                default:
                    away.Add(copy);
                    break;
            }
        }
        int missing = target.Copies - good.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Count();
        if (missing <= 0 && bad.Count == 0 && !await IsInWrongGroupAsync(good, cancellationToken).ConfigureAwait(false)) return;
        if (good.Count == 0)
        {
            Interlocked.Increment(ref unreadable);
            Interlocked.Increment(ref underReplicated);
            Report($"Message {copies[0].Id} of {copies[0].Mailbox} has no copy that can be read: {string.Join(", ", copies.Select(k => k.Unit))}.");
            return;
        }
        if (!options.Repair)
        {
            if (missing > 0) Interlocked.Increment(ref underReplicated);
            return;
        }
        lock (gate)
        {
            mended.Add(good[0].Id);
            waiting.Enqueue(new Mending(good, bad, away) { IsShort = missing > 0 });
        }
    }

    private async Task<CopyState> StateOfAsync(ArchiveKey copy, ReplicaRepairOptions options, Pace pace, CancellationToken cancellationToken)
    {
        if (!await AnswersAsync(copy.Unit, cancellationToken).ConfigureAwait(false)) return CopyState.Away;
        try
        {
            if (options.ReadBodies)
            {
                await pace.WaitAsync(copy.Length, cancellationToken).ConfigureAwait(false);
                await target.VerifyAsync(copy, cancellationToken).ConfigureAwait(false);
                Interlocked.Add(ref bytes, copy.Length);
                return CopyState.Good;
            }
            return await IsListedAsync(copy, cancellationToken).ConfigureAwait(false) ? CopyState.Good : CopyState.Bad;
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            Report(error.Message);
            return CopyState.Bad;
        }
        catch (MessageStoreException error)
        {
            Report(error.Message);
            return CopyState.Away;
        }
    }

    /// <summary>Whether a message lies in a later group only although an earlier one has nodes for it again.</summary>
    private async ValueTask<bool> IsInWrongGroupAsync(List<ArchiveKey> good, CancellationToken cancellationToken) => await ShortInFirstGroupAsync(good, cancellationToken).ConfigureAwait(false) > 0;

    /// <summary>How many copies the first group could have and has not.</summary>
    private async ValueTask<int> ShortInFirstGroupAsync(List<ArchiveKey> good, CancellationToken cancellationToken)
    {
        IReadOnlyList<StorageServerRecord> nodes = await directory.ListAsync(cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = time.GetUtcNow();
        List<StorageServerRecord> serving = [.. nodes.Where(n => (n.Expires is not { } end || end > now)
            && n.Units.Any(u => StatusOf($"{n.Name}/{u.Name}") is { Availability: UnitAvailability.Available }))];
        if (serving.Count == 0) return 0;
        int first = serving.Min(n => n.Group);
        HashSet<string> inFirst = [.. serving.Where(n => n.Group == first).Select(n => n.Name)];
        HashSet<string> firstOfAll = [.. nodes.Where(n => n.Group == first).Select(n => n.Name)];
        int there = good.Select(k => DirectoryCache.NodeOf(k.Unit)).Distinct().Count(firstOfAll.Contains);
        return Math.Min(target.Copies, inFirst.Count) - there;
    }

    private bool IsMended(Guid id)
    {
        lock (gate) return mended.Contains(id);
    }

    private void Report(string problem)
    {
        lock (gate)
            if (problems.Count < ProblemLimit && !problems.Contains(problem)) problems.Add(problem);
    }

    private enum CopyState
    {
        Good,
        /// <summary>Its unit answers, and does not have it whole.</summary>
        Bad,
        /// <summary>Its unit does not answer.</summary>
        Away,
    }
}
