using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Maintenance;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    private static readonly TimeSpan ReaderPatience = TimeSpan.FromSeconds(2);

    public async IAsyncEnumerable<StorageGroupOptimization> OptimizeAsync(
        OptimizeOptions options, IProgress<RunProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (options.MinimumDeadShare is not (>= 0 and <= 1))
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"MinimumDeadShare is {options.MinimumDeadShare}; it must be 0 to 1.", options.MinimumDeadShare);
        List<StorageGroup> groups = ChooseGroups(options.StorageGroups);
        string keysNote = options.DryRun ? "" : await Task.Run(CompactKeys, cancellationToken).ConfigureAwait(false);
        foreach (StorageGroup group in groups)
        {
            StorageGroupOptimization done = await Task.Run(() => OptimizeAsync(group, options, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
            yield return keysNote.Length == 0 ? done : done with { Notes = [.. done.Notes, keysNote] };
            keysNote = "";
        }
    }

    /// <summary>Reads everything and compares it with what was written.</summary>
    public Task<DatabaseTest> TestAsync(DatabaseTestOptions options, IProgress<RunProgress>? progress = null, IProgress<DatabaseFinding>? found = null, CancellationToken cancellationToken = default)
    {
        List<StorageGroup> groups = ChooseGroups(options.StorageGroups, openOnly: true);
        List<FailedGroup> failed = [.. Mail.FailedGroups.Where(f => options.StorageGroups.Count == 0 || options.StorageGroups.Contains(f.Settings.Name, StringComparer.OrdinalIgnoreCase))];
        return Task.Run(
            async () =>
            {
                using var scrub = new DatabaseScrub(Mail, database.Keys, database.Archive, database.Headers, database.Clock, database.SpoolPath, options, progress, found);
                try
                {
                    return await scrub.RunAsync(groups, failed, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    throw StorageErrors.Wrap(error, "testing the database", Path);
                }
            },
            cancellationToken);
    }

    private async Task<StorageGroupOptimization> OptimizeAsync(StorageGroup group, OptimizeOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var how = new CompactionOptions { MinimumDeadShare = options.MinimumDeadShare, SealCurrent = true };
        var result = new StorageGroupOptimization { StorageGroup = group.Name, DryRun = options.DryRun };
        if (options.DryRun)
        {
            List<MostlyDeadSegment> dead = group.MostlyDead(how);
            return result with { SegmentsRewritten = dead.Count, BytesFreed = dead.Sum(s => s.Length - s.LiveBytes), BytesCopied = dead.Sum(s => s.LiveBytes), Duration = watch.Elapsed };
        }
        try
        {
            GroupCompaction done = await group.CompactAsync(how, progress, cancellationToken).ConfigureAwait(false);
            progress?.Report(new RunProgress("Compacting", $"{group.Name}, checkpoints", 0, 0));
            if (done.Damaged.Count > 0 && Mail.Settings.CircularLogging)
                done.Notes.Add("No checkpoint was taken, because the log may hold the good copies of what is damaged; the space comes back with later ones.");
            else if (!group.ReleaseSpace(ReaderPatience, cancellationToken)) done.Notes.Add("Some files are still being read, or a backup needs them; they are deleted with a later checkpoint.");
            return result with
            {
                SegmentsRewritten = done.Segments,
                BytesFreed = done.SegmentBytes - done.BytesCopied,
                BytesCopied = done.BytesCopied,
                Damaged = done.Damaged.Count,
                Duration = watch.Elapsed,
                Notes = done.Notes,
            };
        }
        catch (MessageStoreException error)
        {
            return result with { Reason = error.Message, Duration = watch.Elapsed };
        }
    }

    private string CompactKeys()
    {
        if (database.KeyJournal is not { IsMostlyDead: true } keys) return "";
        long before = keys.JournalBytes;
        try
        {
            keys.Compact();
            return string.Create(CultureInfo.InvariantCulture, $"The key journal was rewritten: {before - keys.JournalBytes} bytes freed.");
        }
        catch (MessageStoreException error)
        {
            return $"The key journal was not rewritten: {error.Message}";
        }
    }

    private List<StorageGroup> ChooseGroups(IReadOnlyList<string> names, bool openOnly = false)
    {
        if (names.Count == 0) return [.. Mail.Groups];
        if (!openOnly) return [.. names.Select(Mail.Group).Distinct()];
        return [.. names.Where(n => !Mail.FailedGroups.Any(f => f.Settings.Name.Equals(n, StringComparison.OrdinalIgnoreCase))).Select(Mail.Group).Distinct()];
    }
}
