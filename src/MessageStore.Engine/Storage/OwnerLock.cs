using System.Diagnostics;
using System.Text.Json;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>Who holds a lock: written beside it for whoever finds it taken.</summary>
/// <param name="Purpose">What for, such as "backup".</param>
/// <param name="Socket">Where the holder answers, a Unix socket; <see langword="null"/> where it does not.</param>
/// <param name="Opening">How far a server has come that will answer once it has opened the database; <see langword="null"/> for others, and afterwards.</param>
internal sealed record LockOwner(int ProcessId, string ProcessName, string Machine, DateTimeOffset Since, string Purpose, string? Socket = null, string? Opening = null);

/// <summary>
/// A lock file that the operating system releases when its process ends, with a note beside it that says who holds it. The note alone
/// means nothing: a dead owner's lock is no obstacle.
/// </summary>
internal sealed class OwnerLock : IDisposable
{
    private const int LargestNote = 64 << 10;

    /// <summary>How long a lock may be taken by nobody who says who they are: somebody is just taking it, giving it back, or looking at it.</summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(5);

    private readonly IStorage storage;
    private readonly string notePath;
    private readonly LockOwner owner;
    private IDisposable? held;
    private volatile bool isAnnounced;

    private OwnerLock(IStorage storage, string notePath, LockOwner owner, IDisposable held)
    {
        this.storage = storage;
        this.notePath = notePath;
        this.owner = owner;
        this.held = held;
    }

    /// <summary>Tells whoever finds the lock taken where its holder answers.</summary>
    /// <exception cref="IOException">The note cannot be written.</exception>
    public void Announce(string socket)
    {
        isAnnounced = true;
        WriteNote(storage, notePath, JsonSerializer.SerializeToUtf8Bytes(owner with { Socket = socket, Opening = null }));
    }

    /// <summary>Tells whoever finds the lock taken how far its holder has come. Once it answers nobody waits for that any more: a group may be opened again much later.</summary>
    public void SayOpening(string progress)
    {
        if (isAnnounced) return;
        try
        {
            WriteNote(storage, notePath, JsonSerializer.SerializeToUtf8Bytes(owner with { Opening = progress }));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is for people who wait. If the disk is full, mail on it must be read all the same.
        }
    }

    /// <summary>Takes the lock <paramref name="path"/>.</summary>
    /// <param name="busy">Makes the error where somebody else holds it: gets who, or <see langword="null"/> where they do not say.</param>
    /// <param name="opening">Said by a server that will answer: <see cref="LockOwner.Opening"/>.</param>
    public static OwnerLock Take(IStorage storage, string path, string purpose, TimeProvider clock, Func<LockOwner?, MessageStoreException> busy, string? opening = null)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            if (TryTake(storage, path, purpose, clock, opening) is { } taken) return taken;
            LockOwner? owner = LivingOwner(storage, path);
            if (owner is not null || watch.Elapsed > SettleTime) throw busy(owner);
            Thread.Sleep(LookInterval);
        }
    }

    /// <summary>Fails where somebody, in this process or another, holds the lock right now.</summary>
    public static void ThrowIfHeld(IStorage storage, string path, Func<LockOwner?, MessageStoreException> busy)
    {
        for (var watch = Stopwatch.StartNew(); IsHeld(storage, path);)
        {
            LockOwner? owner = LivingOwner(storage, path);
            if (owner is not null || watch.Elapsed > SettleTime) throw busy(owner);
            Thread.Sleep(LookInterval);
        }
    }

    private static OwnerLock? TryTake(IStorage storage, string path, string purpose, TimeProvider clock, string? opening)
    {
        IDisposable? held = storage.TryLock(path);
        if (held is null) return null;
        try
        {
            using var self = Process.GetCurrentProcess();
            var owner = new LockOwner(Environment.ProcessId, self.ProcessName, Environment.MachineName, clock.GetUtcNow(), purpose, Opening: opening);
            try
            {
                WriteNote(storage, NoteOf(path), JsonSerializer.SerializeToUtf8Bytes(owner));
            }
            catch (IOException error) when (StorageErrors.IsDiskFull(error))
            {
                // The note is for people. Mail on a full disk must still be read, and deleted to make room.
            }
            return new OwnerLock(storage, NoteOf(path), owner, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Whole or not at all for a reader, but not durable: after a loss of power it means nothing anyway.</summary>
    private static void WriteNote(IStorage storage, string path, byte[] note)
    {
        string temporary = path + AtomicFile.TemporarySuffix;
        using (IStorageFile file = storage.Open(temporary, FileAccessKind.CreateOrTruncate)) file.Write(note, 0);
        storage.RenameFile(temporary, path);
    }

    /// <summary>The holder by its note, unless that is the note of a process that is no more.</summary>
    private static LockOwner? LivingOwner(IStorage storage, string path)
    {
        LockOwner? owner = Describe(storage, path);
        if (owner is null || owner.Machine != Environment.MachineName) return owner;
        try
        {
            using var process = Process.GetProcessById(owner.ProcessId);
            return owner;
        }
        catch (ArgumentException)
        {
            return null;
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
        // Looking takes the lock for a moment; whoever wants it just then finds no living owner and tries again.
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
