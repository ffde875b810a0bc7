using System.Collections.Concurrent;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>Where a group of a backup is to be unpacked.</summary>
internal sealed record UnpackTarget(GroupSettings Settings, string StoreFolder, string LogFolder);

/// <summary>A group as it came out of a backup.</summary>
/// <param name="Begin">The checkpoint whose images were unpacked.</param>
/// <param name="End">The last transaction that was.</param>
internal sealed record UnpackedGroup(UnpackTarget Target, GroupBeginMark Begin, GroupEndMark End);

/// <summary>
/// Lays the files of a backup out again, with those of all sets that it stands on: images, then logs, then patches, in the order in which they were written; as many groups at the same time as
/// there are processors. What it leaves is exactly what a storage group looks like after a crash, so the one recovery there is brings it back to life.
/// </summary>
/// <param name="storage">Has the backups.</param>
/// <param name="target">Gets the files.</param>
/// <param name="key">Opens the sets that the newest stands on.</param>
internal sealed class BackupUnpacker(IStorage storage, IStorage target, BackupReader reader, BackupKey? key, IProgress<RunProgress>? progress)
{
    private readonly ConcurrentDictionary<string, bool> created = new();
    private long done;
    private long bytesInAll;

    /// <summary>Whether all that is unpacked is read again at once.</summary>
    public bool IsReadNext { get; init; }

    /// <param name="choose">Says where a group goes; <see langword="null"/> to leave it out.</param>
    /// <param name="keysFile">Gets the image of the key manager; <see langword="null"/> to leave it out.</param>
    /// <returns>The groups unpacked. Everything is flushed, and the whole backup, the sets below it included, was verified.</returns>
    /// <exception cref="MessageStoreException">BackupDamaged, BackupChainBroken, DiskFull, and other device errors.</exception>
    public List<UnpackedGroup> Run(Func<GroupSettings, UnpackTarget?> choose, string? keysFile, CancellationToken cancellationToken)
    {
        BackupChain chain = BackupChain.Find(storage, reader.Path);
        var sets = new List<BackupReader>();
        try
        {
            foreach (string path in chain.Paths.SkipLast(1)) sets.Add(new BackupReader(storage, path, key));
            sets.Add(reader);
            bytesInAll = chain.Bytes;
            int images = sets.FindLastIndex(s => s.Header.Kind != BackupKind.Logs);
            var plan = new ChainPlan([.. sets.Select(s => s.Contents)], images, (set, what) => Broken(sets[set].Path, what));
            List<UnpackTarget> targets = [.. reader.Header.Settings.StorageGroups.Where(g => reader.Groups.Contains(g.Name)).Select(choose).OfType<UnpackTarget>()];
            foreach (UnpackTarget group in targets) CreateFolders(group);
            for (int i = 0; i < sets.Count; i++)
            {
                int set = i;
                Unpack(sets[set], targets, new SetPart(set == images, set >= images, set >= images ? keysFile : null, (group, segment) => plan.Wanted(set, group, segment)), cancellationToken);
            }
            List<UnpackedGroup> unpacked = [.. targets.Select(t => new UnpackedGroup(t, Contents(sets[images], t).Begin, Contents(reader, t).End))];
            foreach (UnpackedGroup group in unpacked) BeginLog(group);
            return unpacked;
        }
        finally
        {
            foreach (BackupReader below in sets)
                if (!ReferenceEquals(below, reader)) below.Dispose();
        }
    }

    private static GroupContents Contents(BackupReader set, UnpackTarget target) => set.Contents.Groups.First(g => g.Begin.Name == target.Settings.Name);

    /// <summary>Takes from one set what is wanted of it, and reads all of it, so that all of it is verified.</summary>
    private void Unpack(BackupReader source, List<UnpackTarget> targets, SetPart part, CancellationToken cancellationToken)
    {
        List<BackupStretch> stretches = source.Stretches();
        var unpackers = new StretchUnpacker[stretches.Count];
        var failures = new Exception?[stretches.Count];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Parallel.For(0, stretches.Count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            using var files = new UnpackedFiles(target, created, IsReadNext);
            try
            {
                string name = stretches[i].Group?.Begin.Name ?? "";
                unpackers[i] = new StretchUnpacker(source, stretches[i], targets.Find(t => t.Settings.Name == name), part, files);
                unpackers[i].Run(bytes => Advance(name, bytes), stop.Token);
            }
            catch (Exception error)
            {
                failures[i] = error;
                stop.Cancel(); // the others need not go on
            }
        });
        cancellationToken.ThrowIfCancellationRequested();
        if (failures.FirstOrDefault(f => f is not (null or OperationCanceledException)) is { } failure) throw failure;
        source.CheckDigest(unpackers.Select(u => u.Leaves));
    }

    private void Advance(string group, long bytes)
    {
        long now = Interlocked.Add(ref done, bytes);
        progress?.Report(new RunProgress("Restoring", group, now, Math.Max(now, bytesInAll)));
    }

    /// <summary>A session in which nobody wrote has neither logs nor patches, but a group needs a log to go on with.</summary>
    private void BeginLog(UnpackedGroup group)
    {
        if (LogFiles.List(target, group.Target.LogFolder).Count > 0) return;
        using var log = new LogWriter(target, group.Target.LogFolder, MailDatabase.IdentityOf(reader.Header.Settings, group.Target.Settings)) { Histories = group.End.Histories };
        log.Rotate(GroupFileKind.Log, group.End.EndLsn + 1, group.End.EndTime.UtcTicks);
    }

    private void CreateFolders(UnpackTarget group)
    {
        DurableFolder.Create(target, GroupRecovery.SegmentFolder(group.StoreFolder));
        DurableFolder.Create(target, group.LogFolder);
    }

    private static MessageStoreException Broken(string path, string what) => new(ErrorIds.BackupChainBroken, ErrorKind.Damaged,
        $"Backup {path} is not what the sets above it were built upon: {what}. Use another backup.", path);
}
