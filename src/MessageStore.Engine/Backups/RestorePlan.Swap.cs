using System.Globalization;
using System.Text.RegularExpressions;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>How what was laid out comes to its place, and what becomes of what a restore that was killed has left.</summary>
internal sealed partial class RestorePlan
{
    private const string Staged = ".restoring-";
    private const string LockExtension = ".lock";

    private string stamp = "";
    private string? backupFolder;

    /// <summary>The file that says which folders are being exchanged: whoever opens the database, or restores to its place, ends what it says.</summary>
    private string SwapFile => InPlace ? MailDatabase.SwapInside(Destination) : MailDatabase.SwapBeside(Destination);

    /// <summary>Makes sure that nobody else works at the place, and ends or clears away what one that was killed has left there.</summary>
    /// <param name="isOwned">Whether the caller owns the database in that place already.</param>
    /// <exception cref="MessageStoreException">DatabaseInUse.</exception>
    public IDisposable? TakeOwnership(IStorage storage, TimeProvider clock, bool isOwned)
    {
        if (InPlace)
        {
            OwnerLock? owner = isOwned ? null : Lock(storage, Path.Combine(Destination, MailDatabase.LockFileName), clock);
            try
            {
                FolderSwap.Complete(storage, SwapFile);
                foreach ((_, string final) in swaps) DeleteStaged(storage, final, _ => true);
                DeleteStaged(storage, KeysFolder, _ => true);
                return owner;
            }
            catch
            {
                owner?.Dispose();
                throw;
            }
        }
        DurableFolder.Create(storage, Path.GetDirectoryName(Destination)!);
        var mine = new PassingLock(storage, Lock(storage, LockOf(Destination, stamp), clock), LockOf(Destination, stamp));
        try
        {
            DeleteStaged(storage, Destination, IsDead);
            return mine;
        }
        catch
        {
            mine.Dispose();
            throw;
        }

        bool IsDead(string other)
        {
            if (OwnerLock.IsHeld(storage, LockOf(Destination, other))) return false;
            foreach ((_, string final) in swaps) storage.DeleteFolder(StagingOf(final, other)); // the folder at the destination is the last, so that they are found until they are gone
            return true;
        }
    }

    /// <summary>Puts everything in its place. What was there is moved aside first.</summary>
    /// <param name="keysServe">Whether the key manager of the database went on beside the restore, wherever it is.</param>
    /// <returns>A sentence for each thing moved aside.</returns>
    public List<string> SwapIn(IStorage storage, bool keysServe)
    {
        if (storage.FileExists(KeysImage)) storage.DeleteFile(KeysImage);
        List<FolderExchange> exchanges = [.. swaps.Select(s => new FolderExchange(s.Staging, s.Final, AsideOf(s.Final, stamp)))];
        foreach (FolderExchange exchange in exchanges)
            if (storage.FolderExists(exchange.Final) && IsEmpty(storage, exchange.Final)) storage.DeleteFolder(exchange.Final);
        List<string> notes = [.. MovedAside(storage).Select(final => $"{final} was moved aside to {AsideOf(final, stamp)}.")];
        if (!InPlace)
        {
            Settings.Save(storage, StagingFolders[0]);
            if (backupFolder is not null) DurableFolder.Create(storage, backupFolder);
        }
        else if (!keysServe && OriginalKeys.Server is not null)
        {
            Settings.Save(storage, Destination); // the keys are in the folder now, all that the server had among them
        }
        FolderSwap.Run(storage, SwapFile, exchanges);
        return notes;
    }

    /// <summary>The folders that have something in them and that others are to take the place of.</summary>
    public IEnumerable<string> MovedAside(IStorage storage) => swaps.Select(s => s.Final).Where(f => storage.FolderExists(f) && !IsEmpty(storage, f));

    /// <summary>Whether the exchange of folders was begun that the next opening ends: from then on the restored folders count.</summary>
    public bool IsBegun(IStorage storage)
    {
        try
        {
            return storage.FileExists(SwapFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true; // Nothing that may count is to be deleted.
        }
    }

    /// <summary>Removes what a restore that did not come to its end had laid out. Not once its exchange <see cref="IsBegun"/>.</summary>
    public void Discard(IStorage storage)
    {
        foreach (string folder in StagingFolders.AsEnumerable().Reverse()) TryDelete(() => storage.DeleteFolder(folder));
        TryDelete(() => storage.DeleteFile(KeysImage));
    }

    /// <summary>Deletes what restores to a place that are no more have laid out beside it.</summary>
    /// <param name="isDead">Whether the restore with this stamp is no more.</param>
    private static void DeleteStaged(IStorage storage, string final, Predicate<string> isDead)
    {
        string parent = Path.GetDirectoryName(final)!, prefix = final + Staged;
        foreach (string path in storage.ListFolders(parent))
            if (StampIn(path, prefix) is { } other && isDead(other)) storage.DeleteFolder(path);
        foreach (string path in storage.ListFiles(parent))
            if (StampIn(path, prefix) is { } other && isDead(other)) storage.DeleteFile(path);
    }

    /// <summary>The stamp in a name that a restore gave to a folder, a file or a lock with its note; <see langword="null"/> for any other name.</summary>
    private static string? StampIn(string path, string prefix) =>
        path.StartsWith(prefix, StringComparison.Ordinal) && StampPattern().Match(path, prefix.Length, path.Length - prefix.Length) is { Success: true } match ? match.Groups["stamp"].Value : null;

    [GeneratedRegex(@"\A(?<stamp>\d{8}-\d{6}(-\d+)?)(\.lock(\.json(\.tmp)?)?)?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex StampPattern();

    /// <summary>The time, as a part of names that nothing has yet.</summary>
    private static string Stamp(IStorage storage, IReadOnlyList<string> finals, TimeProvider clock)
    {
        string time = clock.GetUtcNow().UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        for (int number = 1; ; number++)
        {
            string stamp = number == 1 ? time : string.Create(CultureInfo.InvariantCulture, $"{time}-{number}");
            if (!finals.Any(f => storage.FolderExists(StagingOf(f, stamp)) || storage.FolderExists(AsideOf(f, stamp)) || storage.FileExists(LockOf(f, stamp)))) return stamp;
        }
    }

    private static string StagingOf(string final, string stamp) => final + Staged + stamp;

    private static string LockOf(string final, string stamp) => StagingOf(final, stamp) + LockExtension;

    private static string AsideOf(string final, string stamp) => $"{final}.before-restore-{stamp}";

    private OwnerLock Lock(IStorage storage, string path, TimeProvider clock) => OwnerLock.Take(storage, path, "restore", clock, owner =>
        new MessageStoreException(ErrorIds.DatabaseInUse, ErrorKind.Busy,
            $"{Destination} is in use by {(owner is null ? "another process" : $"process {owner.ProcessId}")}. Stop it before restoring in its place.", Destination));

    private static void TryDelete(Action delete)
    {
        try
        {
            delete();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Named *.restoring-*: no database takes it for its own, and the next restore to this place clears it away.
        }
    }

    /// <summary>A lock on a place where there is no database yet; its file goes with it.</summary>
    private sealed class PassingLock(IStorage storage, OwnerLock held, string path) : IDisposable
    {
        public void Dispose()
        {
            held.Dispose();
            TryDelete(() => storage.DeleteFile(path));
        }
    }
}
