using System.Diagnostics;
using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>Who holds a lock: written beside it for whoever finds it taken.</summary>
/// <param name="Purpose">What for, such as "backup".</param>
internal sealed record LockOwner(int ProcessId, string ProcessName, string Machine, DateTimeOffset Since, string Purpose);

/// <summary>
/// A lock file that the operating system releases when its process ends, with a note beside it that says who holds it. The note alone
/// means nothing: a dead owner's lock is no obstacle.
/// </summary>
internal sealed class OwnerLock : IDisposable
{
    private const int LargestNote = 64 << 10;

    private readonly IStorage storage;
    private readonly string notePath;
    private IDisposable? held;

    private OwnerLock(IStorage storage, string notePath, IDisposable held)
    {
        this.storage = storage;
        this.notePath = notePath;
        this.held = held;
    }

    /// <summary>Takes the lock <paramref name="path"/>; <see langword="null"/> where somebody else holds it.</summary>
    public static OwnerLock? TryTake(IStorage storage, string path, string purpose, TimeProvider clock)
    {
        IDisposable? held = storage.TryLock(path);
        if (held is null) return null;
        try
        {
            using var self = Process.GetCurrentProcess();
            var owner = new LockOwner(Environment.ProcessId, self.ProcessName, Environment.MachineName, clock.GetUtcNow(), purpose);
            try
            {
                AtomicFile.Write(storage, NoteOf(path), JsonSerializer.SerializeToUtf8Bytes(owner));
            }
            catch (IOException error) when (StorageErrors.IsDiskFull(error))
            {
                // The note is for people. Mail on a full disk must still be read, and deleted to make room.
            }
            return new OwnerLock(storage, NoteOf(path), held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>What the holder of a lock wrote about itself; <see langword="null"/> where it has not come to that, or nobody ever held it.</summary>
    public static LockOwner? Describe(IStorage storage, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<LockOwner>(AtomicFile.Read(storage, NoteOf(path), LargestNote));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Whether somebody, in this process or another, holds the lock right now.</summary>
    public static bool IsHeld(IStorage storage, string path)
    {
        if (!storage.FileExists(path)) return false;
        using IDisposable? probe = storage.TryLock(path);
        return probe is null;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref held, null) is not { } mine) return;
        try
        {
            storage.DeleteFile(notePath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The note alone means nothing; the next holder overwrites it.
        }
        mine.Dispose();
    }

    private static string NoteOf(string path) => path + ".json";
}
