using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>Finds out what a restore would do: reads labels, contents and lists of files, and touches nothing.</summary>
internal sealed class RestorePreviewer(IStorage storage, TimeProvider clock)
{
    /// <summary>Where nothing was measured: what a rotating disk reads and another writes at the same time.</summary>
    private const double AssumedBytesPerSecond = 100e6;

    /// <exception cref="MessageStoreException">What a restore throws before it begins.</exception>
    public RestorePreview Run(RestoreOptions options)
    {
        try
        {
            string backup = RestoreSource.Find(storage, options, clock);
            using BackupKey? key = BackupKey.Open(storage, options.Key);
            using var reader = new BackupReader(storage, backup, key);
            RestorePlan plan = RestorePlan.Make(storage, reader.Header, reader.Groups, options, clock);
            BackupChain chain = BackupChain.Find(storage, backup);
            List<RestorePreviewFile> files = FilesOf(chain, plan);
            (double rate, string source) = Rate(chain);
            long bytes = files.Sum(f => f.Bytes);
            return new RestorePreview
            {
                Path = plan.Destination,
                BackupPath = backup,
                StorageGroups = [.. plan.Targets.Select(t => t.Settings.Name)],
                Files = files,
                Bytes = bytes,
                NeededBytes = ChainNeeds.Bytes(storage, chain, key, [.. plan.Targets.Select(t => t.Settings.Name)]),
                MovedAside = [.. plan.MovedAside(storage)],
                ExpectedDuration = TimeSpan.FromSeconds(Math.Ceiling(bytes / rate)),
                BytesPerSecond = rate,
                RateSource = source,
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "looking at what a restore would do", options.Destination);
        }
    }

    private List<RestorePreviewFile> FilesOf(BackupChain chain, RestorePlan plan)
    {
        var files = new List<RestorePreviewFile>();
        int images = chain.Labels.ToList().FindLastIndex(l => l.Kind != BackupKind.Logs);
        for (int i = 0; i < chain.Paths.Count; i++)
            files.Add(new RestorePreviewFile(files.Count + 1, chain.Paths[i], i < images ? "images" : i == images ? "images, logs and patches" : "logs", chain.Labels[i].Bytes));
        foreach (UnpackTarget target in plan.Targets)
        {
            ulong end = chain.Labels[^1].Group(target.Settings.Name)!.EndLsn;
            List<LogFile> found = plan.SurvivingLogsOf(storage, target.Settings, out _);
            foreach (LogFile log in found.Where(l => l.FirstLsn > end))
                files.Add(new RestorePreviewFile(files.Count + 1, log.Path, "log that survived", storage.FileLength(log.Path)));
        }
        return files;
    }

    /// <summary>What the newest drill of this backup made, or else of any in its folder.</summary>
    private (double BytesPerSecond, string Source) Rate(BackupChain chain)
    {
        string folder = Path.GetDirectoryName(chain.Paths[^1])!;
        IEnumerable<string> others = BackupCatalog.List(storage, folder, clock).Where(b => b.IsComplete && b.IsChainWhole && b.Path != chain.Paths[^1]).Select(b => b.Path);
        foreach (string path in others.Prepend(chain.Paths[^1]))
        {
            if (DrillBook.Read(storage, path) is not { Result: DrillResult.Verified } drill || drill.RestoreDuration <= TimeSpan.Zero) continue;
            long bytes = path == chain.Paths[^1] ? chain.Bytes : BackupChain.Find(storage, path).Bytes;
            return (bytes / drill.RestoreDuration.TotalSeconds, string.Create(CultureInfo.InvariantCulture, $"as in the drill of {Path.GetFileName(path)} on {drill.Time:u}"));
        }
        return (AssumedBytesPerSecond, "assumed: no drill has measured it");
    }
}
