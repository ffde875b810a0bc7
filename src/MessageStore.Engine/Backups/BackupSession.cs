using System.Diagnostics;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>One backup session, step by step as figure 7 has it; the numbers in comments are the figure's.</summary>
internal sealed class BackupSession(MailDatabase database, IStorage storage, Action<Stream>? writeKeys, TimeProvider clock, IProgress<RunProgress>? progress)
{
    public const string Extension = ".msbackup";
    public const string PartialSuffix = ".partial";

    /// <summary>Windows finds its pipes by this name.</summary>
    private const string WindowsPipe = @"\\.\pipe\";

    private static readonly TimeSpan ProgressEvery = TimeSpan.FromMilliseconds(250);

    private string status = "";
    private long reported;
    private long done;
    private long total;

    /// <summary>Whether a destination is a pipe or a device: something that is there, is no folder and is not called a backup.</summary>
    public static bool IsStream(IStorage storage, string path) => !path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase)
        && ((OperatingSystem.IsWindows() && path.StartsWith(WindowsPipe, StringComparison.OrdinalIgnoreCase)) || storage.FileExists(path));

    /// <exception cref="MessageStoreException">
    /// GroupNotFound, StoreDamaged, DiskFull, and other device errors: of a destination only when none is left. No file with the final name is left then.
    /// </exception>
    public async Task<BackupRun> RunAsync(BackupOptions options, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        DateTimeOffset started = clock.GetUtcNow();
        Guid id = Guid.CreateVersion7(started);
        List<StorageGroup> groups = ChooseGroups(options); // 730
        bool isQuiet = options.Priority == BackupPriority.Users;
        using var pace = new MaintenancePace(groups, isQuiet, clock);
        var contents = new List<GroupContents>();
        BackupTrailer trailer;
        IReadOnlyList<BackupCopy> copies;
        IReadOnlyList<string> chain = [];
        long bytes;
        try
        {
            using BackupKey? key = BackupKey.Open(storage, options.Key);
            List<string> paths = ChoosePaths(options, id, started); // 720
            using BackupReader? below = options.Kind == BackupKind.Full ? null : OpenBase(options.Kind, paths, groups, key);
            using var targets = new BackupTargets(storage, paths, isQuiet); // 740
            using LayerWriter? layer = key is null && options.Compression == BackupCompression.None ? null : new LayerWriter(targets.Add, id, options.Compression, key, isQuiet, cancellationToken);
            var header = new BackupHeader(BackupHeader.CurrentFormat, id, MailDatabase.NewSalt(), options.Kind, below is null ? null : BackupLabel.Of(below).Link(below.Path),
                below?.Header.Chain ?? id, below is null ? 0 : below.Header.Depth + 1, started, database.Path, database.Settings);
            trailer = WriteFrames(layer is null ? targets.Add : layer.Add, header, groups, contents, below, pace, isQuiet, cancellationToken);
            layer?.Finish(BackupLabel.Of(header, trailer, contents));
            if (below is not null) chain = BackupChain.Find(storage, below.Path).Paths;
            targets.Complete(cancellationToken);
            (copies, bytes) = (targets.Copies, targets.Bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "backing up", database.Path);
        }
        // What only a pipe has taken nobody can look at: it neither lets go of logs nor makes the newest backup any younger.
        if (copies.Any(c => c is { IsComplete: true, IsStream: false }))
        {
            foreach ((StorageGroup group, GroupContents written) in groups.Zip(contents))
                await group.BackedUpAsync(new BackupMark(id, written.End.EndLsn, started.UtcTicks)).ConfigureAwait(false);
        }
        return new BackupRun
        {
            Id = id,
            Path = copies.First(c => c.IsComplete).Path,
            Copies = copies,
            Database = database.Path,
            Kind = options.Kind,
            BasePath = chain.Count > 0 ? chain[^1] : "",
            Chain = chain.Select(p => Path.GetFileName(p)!).ToArray(),
            Started = started,
            StorageGroups = groups.Select(g => g.Name).ToArray(),
            Messages = trailer.Messages,
            PatchTransactions = trailer.PatchTransactions,
            Bytes = bytes,
            ContentBytes = trailer.Bytes + FrameHeader.FrameLength(BackupTrailer.PayloadLength),
            Duration = watch.Elapsed,
            Yields = pace.Yields,
            YieldDuration = pace.YieldDuration,
        };
    }

    /// <summary>All of the file, in order.</summary>
    private BackupTrailer WriteFrames(Action<Block> pass, BackupHeader header, List<StorageGroup> groups, List<GroupContents> contents, BackupReader? below,
        MaintenancePace pace, bool isQuiet, CancellationToken cancellationToken)
    {
        using var writer = new BackupWriter(pass, header.Salt, clock, isQuiet, cancellationToken);
        writer.Write(BackupFrameType.Header, MarkCodec.Encode(header));
        writer.Write(BackupFrameType.Groups, MarkCodec.Encode(new GroupsMark( // 750
            [.. database.Settings.StorageGroups.Where(s => groups.Exists(g => g.Name == s.Name))])));
        total = groups.Sum(g => g.GetStatus().StoreBytes);
        foreach (StorageGroup group in groups) // 760 to 790
        {
            status = group.Name;
            var one = new GroupBackup(storage, writer, group, pace, cancellationToken)
            {
                Base = below,
                SegmentBegins = (segment, of) => Report($"{group.Name}, segment {segment} of {of}"),
                BytesRead = Read,
            };
            contents.Add(header.Kind == BackupKind.Logs ? one.WriteLogsOnly() : one.Write());
        }
        (long keysOffset, long keysFrame) = (writer.Bytes, writer.Frames + 1);
        if (writeKeys is not null && header.Kind != BackupKind.Logs) WriteKeys(writer, writeKeys);
        long contentsOffset = writer.Bytes;
        writer.Write(BackupFrameType.Contents, MarkCodec.Encode(new ContentsMark(contents, keysOffset, keysFrame)));
        return writer.Finish(sha256 => new BackupTrailer(header.Id, writer.Frames, writer.Bytes, contentsOffset, contents.Sum(g => g.End.Messages),
            contents.Sum(g => g.End.PatchTransactions), clock.GetUtcNow(), sha256));
    }

    /// <summary>A backup that yields to users stays in one segment for seconds: it says how far it is in between, too.</summary>
    private void Read(int count)
    {
        done += count;
        if (clock.GetElapsedTime(reported) >= ProgressEvery) Report(status);
    }

    private void Report(string now)
    {
        status = now;
        reported = clock.GetTimestamp();
        progress?.Report(new RunProgress("Backing up", status, done, Math.Max(done, total)));
    }

    private BackupReader OpenBase(BackupKind kind, List<string> paths, List<StorageGroup> groups, BackupKey? key)
    {
        List<string> folders = [.. paths.Where(p => !IsStream(storage, p)).Select(p => Path.GetDirectoryName(p)!).Distinct()];
        if (folders.Count == 0)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Into a pipe alone goes a full backup: beside {paths[0]} there is no set that another could stand on.", paths[0]);
        string names = string.Join(", ", groups.Select(g => g.Name)), places = string.Join(" and in ", folders);
        string? found = new BaseFinder(storage, database.Settings.DatabaseId).Find(folders, [.. groups.Select(g => g.Name)],
            kind == BackupKind.Logs ? IsNewest : label => label.Kind != BackupKind.Logs);
        if (found is not null) return new BackupReader(storage, found, key);
        throw new MessageStoreException(ErrorIds.BaseBackupNotFound, ErrorKind.NotFound, kind == BackupKind.Logs
            ? $"The newest backup of {names}, which the log would continue, is not in {places}, or its chain is not whole. Make an incremental or a full one first."
            : $"There is no whole chain of backups of {names} in {places} that an incremental one could stand on. Make a full one first.", folders[0]);

        // The mark is in the log itself: so the set that it names is of this very history, and ends where the mark says.
        bool IsNewest(BackupLabel label) => groups.TrueForAll(g => g.LastBackup is { } mark && mark.Id == label.Id && label.Group(g.Name)?.EndLsn == mark.Lsn);
    }

    private static void WriteKeys(BackupWriter writer, Action<Stream> write)
    {
        using var chunks = new KeysStream(writer);
        write(chunks);
    }

    private List<StorageGroup> ChooseGroups(BackupOptions options)
    {
        if (options.StorageGroups.Count > 0) return [.. options.StorageGroups.Select(database.Group).Distinct()];
        // A backup that silently lacked a group would be found out on the day it is needed.
        if (database.FailedGroups.Count > 0) throw database.FailedGroups[0].Reason;
        return [.. database.Groups];
    }

    private List<string> ChoosePaths(BackupOptions options, Guid id, DateTimeOffset started)
    {
        if (options.Destinations.Count == 0 && !storage.FolderExists(database.BackupPath))
            throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.Device,
                $"The backup folder {database.BackupPath} is missing. Is its device mounted? A backup elsewhere can be made with -Destination.", database.BackupPath);
        string name = started.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture) + "-" + id.ToString("N")[^8..] + Extension;
        var paths = new List<string>();
        foreach (string destination in options.Destinations.DefaultIfEmpty(database.BackupPath))
        {
            string target = Path.GetFullPath(destination);
            if (target.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) && storage.FileExists(target))
                throw new MessageStoreException(ErrorIds.DestinationNotEmpty, ErrorKind.AlreadyExists, $"There is a file {target} already.", target);
            if (!target.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) && !IsStream(storage, target)) target = Path.Combine(target, name);
            if (paths.Contains(target))
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The destination {target} was named twice: two copies in one place are one copy.", target);
            paths.Add(target);
        }
        return paths;
    }
}
