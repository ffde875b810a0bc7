using System.Globalization;
using System.Text.Json;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore;

/// <summary>
/// Exchanging the key manager: keys are copied, number and digest compared, and the name in <c>database.json</c> is changed last. A crash before that leaves the old key manager, one after it the new one;
/// what it left lying is cleared by the next move. The table of cases stands in docs/format-keys.md.
/// </summary>
internal sealed partial class OpenDatabase
{
    /// <summary>Written before a server is asked to make room: tells what an interrupted move left there.</summary>
    public const string MoveIntentFile = "keys.moving";

    private const int LargestIntent = 64 << 10;

    private string KeysPath => System.IO.Path.Combine(Path, KeysFolder);

    private string IntentPath => System.IO.Path.Combine(Path, MoveIntentFile);

    /// <summary>Moves the keys to a server or back into the database folder. Changes of keys wait meanwhile; reading goes on.</summary>
    /// <exception cref="MessageStoreException">KeysExist, KeysUnavailable, KeysDamaged, InvalidParameter, and device errors: the keys are where they were.</exception>
    public KeyMove MoveKeys(KeyMoveOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        long started = Clock.GetTimestamp();
        KeyDigest? copied = null;
        IKeyManager? old = null;
        KeyServerSettings? settings = null;
        Keys.Exchange(from =>
        {
            old = from;
            (IKeyManager to, settings, copied) = options.To == KeyManagerKind.PostgreSql ? CopyToServer(from, options, progress, cancellationToken) : CopyToFolder(from, progress, cancellationToken);
            return to;
        }, () => Mail.ChangeSettings(s => s with { Keys = settings }));
        string note = ClearAway(old!);
        return new KeyMove { Path = Path, To = options.To, Keys = copied!.Keys, Volumes = copied.Volumes, Duration = Clock.GetElapsedTime(started), Note = note };
    }

    /// <summary>Writes an image of all keys for a backup (docs/format-keys.md), wherever they are kept.</summary>
    /// <exception cref="MessageStoreException">KeysUnavailable, KeysDamaged, DeviceFailed; and what the stream raises.</exception>
    public void WriteKeyImage(Stream target)
    {
        if (KeyJournal is { } journal)
        {
            journal.CopyTo(target);
            return;
        }

        // The same image whatever the key manager, so that a restore needs no server: by way of a journal beside.
        string folder = System.IO.Path.Combine(SpoolPath, $"keys-{Guid.NewGuid():N}");
        try
        {
            DurableFolder.Create(Storage, folder);
            JournalKeyManager.Create(Storage, folder);
            using JournalKeyManager copy = JournalKeyManager.Open(Storage, folder, Clock);
            foreach (CoveredVolume[] volumes in Keys.ListVolumes().Chunk(KeyCopy.BatchSize)) copy.Cover(volumes);
            foreach (ArchiveKey[] keys in Keys.List().Chunk(KeyCopy.BatchSize)) copy.Put(keys);
            copy.CopyTo(target);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "writing an image of the archive keys", folder);
        }
        finally
        {
            Storage.DeleteFolder(folder);
        }
    }

    private (IKeyManager, KeyServerSettings?, KeyDigest) CopyToServer(IKeyManager from, KeyMoveOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        if (from is not JournalKeyManager) throw Already("on PostgreSQL");
        if (options.ConnectionFile is not { } file)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, "To move the keys to PostgreSQL name the file that holds the connection string.", Path);
        var settings = new KeyServerSettings { ConnectionFile = file, Token = Guid.NewGuid() };
        IKeyServer server = KeyServers.Open(settings, Mail.Settings.DatabaseId);
        try
        {
            server.Begin(Intend(settings.Token), options.Replace);
            return (server, settings, KeyCopy.Run(from, server, progress, cancellationToken));
        }
        catch (Exception error)
        {
            server.Dispose();
            if (error is IOException or UnauthorizedAccessException) throw StorageErrors.Wrap(error, "moving the archive keys", Path);
            throw;
        }
    }

    private (IKeyManager, KeyServerSettings?, KeyDigest) CopyToFolder(IKeyManager from, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        if (from is JournalKeyManager) throw Already("in the database folder");
        JournalKeyManager? journal = null;
        try
        {
            Intend(Mail.Settings.Keys!.Token); // what is left on the server afterwards is ours
            if (Storage.FolderExists(KeysPath)) // of an interrupted move: it does not count
                Storage.RenameFolder(KeysPath, KeysPath + Clock.GetUtcNow().UtcDateTime.ToString("'.before-move-'yyyyMMddHHmmssfff", CultureInfo.InvariantCulture));
            DurableFolder.Create(Storage, KeysPath);
            JournalKeyManager.Create(Storage, KeysPath);
            journal = JournalKeyManager.Open(Storage, KeysPath, Clock);
            return (journal, null, KeyCopy.Run(from, journal, progress, cancellationToken));
        }
        catch (Exception error)
        {
            journal?.Dispose();
            if (error is IOException or UnauthorizedAccessException) throw StorageErrors.Wrap(error, "moving the archive keys", KeysPath);
            throw;
        }
    }

    /// <summary>Records durably that what a server holds under a token is this copy's, and was perhaps left by an interrupted move.</summary>
    /// <returns>That token and those of earlier moves that did not come to their end.</returns>
    private List<Guid> Intend(Guid token)
    {
        List<Guid> all = [.. Interrupted(), token];
        AtomicFile.Write(Storage, IntentPath, JsonSerializer.SerializeToUtf8Bytes(all));
        return all;
    }

    /// <summary>Tokens of moves that did not come to their end.</summary>
    private List<Guid> Interrupted()
    {
        if (!Storage.FileExists(IntentPath)) return [];
        try
        {
            return JsonSerializer.Deserialize<List<Guid>>(AtomicFile.Read(Storage, IntentPath, LargestIntent)) ?? [];
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            return []; // then the server refuses what it holds, and says how to replace it
        }
    }

    /// <summary>Clears away what the old key manager left. The new one counts already, so trouble here is only a note.</summary>
    private string ClearAway(IKeyManager old)
    {
        try
        {
            if (old is IKeyServer server)
            {
                server.Leave();
            }
            else
            {
                old.Dispose(); // on Windows no open file can be deleted
                Storage.DeleteFolder(KeysPath);
            }
            Storage.DeleteFile(IntentPath);
            Storage.FlushFolder(Path);
            return "";
        }
        catch (Exception error) when (error is MessageStoreException or IOException or UnauthorizedAccessException)
        {
            return $"The keys are moved, but what they left behind could not be cleared away: {error.Message}";
        }
    }

    private MessageStoreException Already(string where) => new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The archive keys of {Path} are {where} already.", Path);
}
