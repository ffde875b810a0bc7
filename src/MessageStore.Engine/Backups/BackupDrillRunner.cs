using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Proves a backup by restoring it: every byte read and verified, unpacked to scratch, opened and replayed as a real restore would be, every message's SHA-256
/// compared, and the state of every group with the one recorded when the backup was made.
/// </summary>
internal sealed class BackupDrillRunner(IStorage storage, TimeProvider clock, IProgress<RunProgress>? progress)
{
    private const int SentencesShown = 5;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    /// <param name="scratchRoot">A folder with room for all that the backup holds.</param>
    public BackupDrill Run(string path, string scratchRoot, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        string scratch = Path.Combine(scratchRoot, "messagestore-drill-" + Guid.NewGuid().ToString("N")[..12]);
        BackupDrill drill;
        try
        {
            drill = Drill(path, scratch, watch, cancellationToken);
        }
        catch (MessageStoreException error) when (error.Kind == ErrorKind.Damaged)
        {
            drill = new BackupDrill { Path = path, Result = DrillResult.Failed, Reason = error.Message };
        }
        catch (MessageStoreException error) when (error.ErrorId is ErrorIds.DiskFull or ErrorIds.AccessDenied or ErrorIds.DeviceFailed)
        {
            drill = new BackupDrill { Path = path, Result = DrillResult.Inconclusive, Reason = error.Message };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            drill = new BackupDrill { Path = path, Result = DrillResult.Inconclusive, Reason = StorageErrors.Wrap(error, "restoring to scratch", scratch).Message };
        }
        finally
        {
            TryDelete(scratch);
        }
        drill = drill with { Duration = watch.Elapsed };
        Keep(drill);
        return drill;
    }

    /// <summary>The file that keeps the result of the newest drill beside its backup.</summary>
    public static string ResultPath(string backupPath) => backupPath + ".drill.json";

    private BackupDrill Drill(string path, string scratch, Stopwatch watch, CancellationToken cancellationToken)
    {
        using var reader = new BackupReader(storage, path);
        storage.CreateFolder(scratch);
        long free = storage.FreeBytes(scratch);
        if (free < reader.Length)
            return new BackupDrill { Path = path, Result = DrillResult.Inconclusive, Reason = $"The drill needs {reader.Length} bytes at {scratch}; {free} are free." };
        UnpackTarget Choose(GroupSettings group) => new(group, Path.Combine(scratch, "store", group.Folder), Path.Combine(scratch, "logs", group.Folder));
        List<UnpackedGroup> unpacked = new BackupUnpacker(storage, reader, progress).Run(Choose, null, cancellationToken);
        var groups = new List<StorageGroup>();
        try
        {
            foreach (UnpackedGroup group in unpacked)
                groups.Add(StorageGroup.Open(storage, MailDatabase.IdentityOf(reader.Header.Settings, group.Target.Settings), new GroupOptions { Clock = clock },
                    group.Target.StoreFolder, group.Target.LogFolder));
            TimeSpan restored = watch.Elapsed;
            long messages = 0, differences = 0;
            var reasons = new List<string>();
            for (int i = 0; i < groups.Count; i++)
            {
                progress?.Report(new RunProgress("Comparing", groups[i].Name, i, groups.Count));
                GroupEndMark end = unpacked[i].End;
                GroupVerification found = GroupVerifier.Run(groups[i], cancellationToken);
                messages += found.Messages;
                differences += found.Damaged + Math.Abs(found.Messages - end.Messages);
                reasons.AddRange(found.Differences);
                if (groups[i].ClosedForWriting is { } closed) reasons.Add(closed.Message);
                if (groups[i].LastLsn != end.EndLsn) reasons.Add($"Group {groups[i].Name} ends at transaction {groups[i].LastLsn}; the backup recorded {end.EndLsn}.");
                if (found.Messages != end.Messages) reasons.Add($"Group {groups[i].Name} has {found.Messages} messages; the backup recorded {end.Messages}.");
                if (found.Digest.ToString("x32", CultureInfo.InvariantCulture) != end.StateDigest)
                {
                    reasons.Add($"The state of group {groups[i].Name} differs from the one recorded.");
                    differences = Math.Max(differences, 1);
                }
            }
            return new BackupDrill
            {
                Path = path,
                Result = reasons.Count == 0 ? DrillResult.Verified : DrillResult.Failed,
                Messages = messages,
                Differences = differences,
                RestoreDuration = restored,
                Reason = string.Join(" ", reasons.Take(SentencesShown)),
            };
        }
        finally
        {
            foreach (StorageGroup group in groups) group.Dispose();
        }
    }

    private void Keep(BackupDrill drill)
    {
        try
        {
            AtomicFile.Write(storage, ResultPath(drill.Path), JsonSerializer.SerializeToUtf8Bytes(new KeptDrill(drill.Result, clock.GetUtcNow(), drill.Reason), Json));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The backup may lie on a medium that is read-only by intent; the caller has the result all the same.
        }
    }

    /// <summary>The newest drill of a backup in words; empty where there was none.</summary>
    public static string Describe(IStorage storage, string backupPath)
    {
        try
        {
            string path = ResultPath(backupPath);
            if (!storage.FileExists(path)) return "";
            KeptDrill? kept = JsonSerializer.Deserialize<KeptDrill>(AtomicFile.Read(storage, path, 1 << 20), Json);
            return kept is null ? "" : $"{kept.Result} {kept.Time:u}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidDataException)
        {
            return "";
        }
    }

    private void TryDelete(string folder)
    {
        try
        {
            storage.DeleteFolder(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The result stands; what stays is named messagestore-drill-* and can be deleted by hand.
        }
    }

    private sealed record KeptDrill(DrillResult Result, DateTimeOffset Time, string Reason);
}
