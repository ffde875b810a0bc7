using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Archive and backup never run at the same time, whoever starts them: both hold this lock of the operating system while they run. It lies in the database
/// folder, so that it holds between processes too, and ends with the process that held it.
/// </summary>
internal sealed class MaintenanceLock : IDisposable
{
    public const string FileName = "maintenance.lock";

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private readonly OwnerLock held;

    private MaintenanceLock(OwnerLock held) => this.held = held;

    /// <exception cref="MessageStoreException">MaintenanceRunning, naming what runs, since when and in which process.</exception>
    public static MaintenanceLock Take(IStorage storage, string databasePath, MaintenanceTask task, TimeProvider clock) => Take(storage, databasePath, NameOf(task), clock);

    /// <param name="purpose">What the holder does, in a word.</param>
    /// <exception cref="MessageStoreException">MaintenanceRunning, naming what runs, since when and in which process.</exception>
    public static MaintenanceLock Take(IStorage storage, string databasePath, string purpose, TimeProvider clock)
    {
        string path = Path.Combine(databasePath, FileName);
        try
        {
            return new MaintenanceLock(OwnerLock.Take(storage, path, purpose, clock, owner => Running(owner, databasePath, purpose)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "taking the maintenance lock", path);
        }
    }

    /// <summary>Takes the lock, waiting up to <paramref name="wait"/> for a run of somebody else to end.</summary>
    public static async Task<MaintenanceLock> TakeAsync(IStorage storage, string databasePath, MaintenanceTask task, TimeProvider clock, TimeSpan wait, CancellationToken cancellationToken)
    {
        DateTimeOffset giveUp = clock.GetUtcNow() + wait;
        while (true)
        {
            try
            {
                return Take(storage, databasePath, task, clock);
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MaintenanceRunning && clock.GetUtcNow() < giveUp)
            {
                await Task.Delay(LookInterval, clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Fails where a run is under way, in whatever process: asked before a database is opened that its owner's run keeps from us.</summary>
    /// <exception cref="MessageStoreException">MaintenanceRunning.</exception>
    public static void ThrowIfHeld(IStorage storage, string databasePath, string wanted) =>
        OwnerLock.ThrowIfHeld(storage, Path.Combine(databasePath, FileName), owner => Running(owner, databasePath, wanted));

    public void Dispose() => held.Dispose();

    private static string NameOf(MaintenanceTask task) => task == MaintenanceTask.Archive ? "archive" : "backup";

    private static MessageStoreException Running(LockOwner? owner, string databasePath, string wanted)
    {
        string what = owner is null ? "Another run is under way" : $"A run of {owner.Purpose} has been under way since {owner.Since:u} in process {owner.ProcessId} ({owner.ProcessName} on {owner.Machine})";
        return new MessageStoreException(ErrorIds.MaintenanceRunning, ErrorKind.Busy, $"{what}, so {wanted} cannot run on {databasePath}. Wait until it has ended.", databasePath);
    }
}
