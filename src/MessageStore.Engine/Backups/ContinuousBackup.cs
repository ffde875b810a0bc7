using System.Runtime.CompilerServices;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Backups without end: sessions at an interval, the log shipped in between, and an error as soon as the newest backup is older than it may be, whatever the reason
/// (design §6).
/// </summary>
internal sealed class ContinuousBackup(MailDatabase database, IStorage storage, TimeProvider clock)
{
    /// <summary>How long a session waits for an archive run. Until then the age speaks for itself.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private static readonly TimeSpan LongestRetry = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(20);

    /// <summary>No timer runs longer than some weeks.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromDays(1);

    /// <summary>An age that is too high is said again after this share of the limit.</summary>
    private const double AlarmAgain = 0.25;

    private readonly Queue<ContinuousBackupEvent> alarms = new();
    private DateTimeOffset nextLook;
    private bool saidThatNotEntered;

    /// <summary>Makes one set, when it is its turn.</summary>
    public required Func<BackupOptions, CancellationToken, Task<BackupRun>> BackUp { get; init; }

    /// <summary>How old the newest backup is.</summary>
    public required Func<CancellationToken, Task<TimeSpan?>> Age { get; init; }

    /// <summary>Where a backup that is too old is entered besides: nobody may be looking at what a job says.</summary>
    public required ISystemLog Log { get; init; }

    /// <exception cref="MessageStoreException">InvalidParameter, GroupNotFound. What goes wrong later is an event.</exception>
    /// <exception cref="OperationCanceledException">The only end there is.</exception>
    public async IAsyncEnumerable<ContinuousBackupEvent> RunAsync(ContinuousBackupOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Check(options);
        nextLook = clock.GetUtcNow() + options.MaximumAge;
        DateTimeOffset nextSession = clock.GetUtcNow(), nextShipping = DateTimeOffset.MaxValue;
        while (true)
        {
            DateTimeOffset now = clock.GetUtcNow();
            bool session = now >= nextSession;
            if (session || now >= nextShipping)
            {
                Task<ContinuousBackupEvent> step = Task.Run(() => StepAsync(options, session, cancellationToken), cancellationToken);
                while (!step.IsCompleted)
                {
                    await Task.WhenAny(step, WaitAsync(nextLook, cancellationToken)).ConfigureAwait(false);
                    if (!step.IsCompleted) await LookAsync(options, cancellationToken).ConfigureAwait(false);
                    while (alarms.TryDequeue(out ContinuousBackupEvent? alarm)) yield return alarm;
                }
                ContinuousBackupEvent done = await step.ConfigureAwait(false);
                yield return done;
                DateTimeOffset retry = clock.GetUtcNow() + Retry(options);
                bool shipping = options.LogShippingInterval > TimeSpan.Zero;
                if (done.Run is not null)
                {
                    if (session) nextSession = now + options.Interval;
                    nextShipping = shipping ? now + options.LogShippingInterval : DateTimeOffset.MaxValue;
                    nextLook = clock.GetUtcNow();
                }
                else if (session)
                {
                    nextSession = retry;
                }
                else
                {
                    // Logs that do not reach back, or have nothing to stand on: images do.
                    if (done.ErrorId is ErrorIds.BaseBackupNotFound or ErrorIds.LogMissing) nextSession = clock.GetUtcNow();
                    nextShipping = retry;
                }
            }
            if (clock.GetUtcNow() >= nextLook) await LookAsync(options, cancellationToken).ConfigureAwait(false);
            while (alarms.TryDequeue(out ContinuousBackupEvent? alarm)) yield return alarm;
            DateTimeOffset next = nextSession < nextShipping ? nextSession : nextShipping;
            await WaitAsync(next < nextLook ? next : nextLook, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ContinuousBackupEvent> StepAsync(ContinuousBackupOptions options, bool session, CancellationToken cancellationToken)
    {
        try
        {
            (BackupKind kind, string reason) = session ? Choose(database, storage, clock, options) : (BackupKind.Logs, "the log is shipped");
            BackupRun run = await BackUp(options.Backup with { Kind = kind }, cancellationToken).ConfigureAwait(false);
            return new ContinuousBackupEvent { Time = clock.GetUtcNow(), Run = run with { Reason = reason }, Reason = reason, BackupAge = clock.GetUtcNow() - run.Started };
        }
        catch (MessageStoreException error)
        {
            return new ContinuousBackupEvent { Time = clock.GetUtcNow(), ErrorId = error.ErrorId, ErrorKind = error.Kind, Reason = error.Message, BackupAge = await Age(cancellationToken).ConfigureAwait(false) };
        }
    }

    /// <summary>Incremental while there is a chain to go on with that is not too old.</summary>
    public static (BackupKind Kind, string Reason) Choose(MailDatabase database, IStorage storage, TimeProvider clock, ContinuousBackupOptions options)
    {
        try
        {
            IReadOnlyList<string> groups = options.Backup.StorageGroups.Count > 0 ? options.Backup.StorageGroups : [.. database.Settings.StorageGroups.Select(g => g.Name)];
            List<string> folders = [.. options.Backup.Destinations.DefaultIfEmpty(database.BackupPath).Select(Path.GetFullPath)];
            string? found = new BaseFinder(storage, database.Settings.DatabaseId).Find(folders, groups, label => label.Kind != BackupKind.Logs);
            if (found is null) return (BackupKind.Full, "full, because there is no whole chain of backups to go on with");
            if (!BackupFile.Opens(storage, found, options.Backup.Key)) return (BackupKind.Full, "full, because the chain has another key");
            DateTimeOffset begun = BackupChain.Find(storage, found).Labels[0].Started;
            return clock.GetUtcNow() - begun >= options.FullInterval
                ? (BackupKind.Full, $"full, because the chain began {begun:u}, {options.FullInterval} ago or more")
                : (BackupKind.Incremental, "due");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "looking for backups", database.BackupPath);
        }
    }

    private async Task LookAsync(ContinuousBackupOptions options, CancellationToken cancellationToken)
    {
        TimeSpan? age = await Age(cancellationToken).ConfigureAwait(false);
        DateTimeOffset now = clock.GetUtcNow();
        if (age is { } young && young < options.MaximumAge)
        {
            nextLook = now + (options.MaximumAge - young);
            return;
        }
        nextLook = now + options.MaximumAge * AlarmAgain;
        string reason = age is null
            ? $"There is no backup of {database.Path} after {options.MaximumAge}."
            : $"The newest backup of {database.Path} is {age} old; {options.MaximumAge} is the limit.";
        string notEntered = Log.Error(ErrorIds.BackupTooOld, reason);
        if (notEntered.Length > 0 && !saidThatNotEntered)
        {
            saidThatNotEntered = true; // a machine without such a log has none the next time either
            reason += $" The system's log does not have this: {notEntered}";
        }
        alarms.Enqueue(new ContinuousBackupEvent { Time = now, ErrorId = ErrorIds.BackupTooOld, ErrorKind = ErrorKind.Device, BackupAge = age, Reason = reason });
    }

    private Task WaitAsync(DateTimeOffset until, CancellationToken cancellationToken)
    {
        TimeSpan time = until - clock.GetUtcNow();
        return Task.Delay(time < ShortestRest ? ShortestRest : time > LongestRest ? LongestRest : time, clock, cancellationToken);
    }

    private static TimeSpan Retry(ContinuousBackupOptions options) =>
        options.Interval > TimeSpan.Zero && options.Interval < LongestRetry ? options.Interval : LongestRetry;

    private void Check(ContinuousBackupOptions options)
    {
        foreach (string group in options.Backup.StorageGroups) _ = database.Group(group);
        if (options.Backup.Destinations.FirstOrDefault(d => d.EndsWith(BackupSession.Extension, StringComparison.OrdinalIgnoreCase)) is { } file)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Backups that follow one another need a folder, and {file} is a file.", file);
        if (options.Backup.Destinations.FirstOrDefault(d => BackupSession.IsStream(storage, Path.GetFullPath(d))) is { } pipe)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"Backups that follow one another need a folder, and {pipe} is none.", pipe);
        if (options.MaximumAge <= TimeSpan.Zero)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "The limit of a backup's age must be longer than nothing.", options.MaximumAge);
    }
}
