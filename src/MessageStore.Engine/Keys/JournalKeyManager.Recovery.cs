using System.Security.Cryptography;
using MessageStore.IO;

namespace MessageStore.Keys;

/// <summary>Creating and opening. The table of cases stands in docs/format-keys.md.</summary>
internal sealed partial class JournalKeyManager
{
    private const long FirstGeneration = 1;

    /// <summary>Creates an empty key manager. The settings file comes last: without it there is no key manager yet.</summary>
    /// <param name="storage">Where it is to lie.</param>
    /// <param name="folder">The database folder; it must exist.</param>
    /// <exception cref="MessageStoreException">DatabaseExists: there is one already; DiskFull, AccessDenied, DeviceFailed.</exception>
    public static void Create(IStorage storage, string folder)
    {
        try
        {
            RefuseExisting(storage, folder);
            uint salt = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
            using var frames = new KeyFrames(salt, TimeProvider.System);
            frames.Reset(1, 0);
            KeyGeneration.WriteHead(frames, FirstGeneration, imageLsn: 0);
            AtomicFile.Write(storage, KeyGeneration.PathOf(folder, FirstGeneration), frames.Bytes.Span);
            new KeySettings(KeySettings.CurrentFormat, salt).Save(storage, folder);
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            throw StorageErrors.Wrap(error, "creating the key manager", folder);
        }
    }

    /// <summary>Opens the key manager of a database: replays its journal and cuts a torn tail off.</summary>
    /// <param name="storage">Where it lies.</param>
    /// <param name="folder">The database folder.</param>
    /// <param name="time">Gives frames their time.</param>
    /// <exception cref="MessageStoreException">KeysDamaged, DatabaseFormatTooNew, AccessDenied, DeviceFailed.</exception>
    public static JournalKeyManager Open(IStorage storage, string folder, TimeProvider time)
    {
        try
        {
            KeySettings settings = KeySettings.Load(storage, folder);
            long newest = Generations(storage, folder).DefaultIfEmpty().Max();
            if (newest == 0)
            {
                throw new MessageStoreException(
                    ErrorIds.KeysDamaged, ErrorKind.Damaged,
                    $"The key journal is missing from {folder}. Restore it from a backup or rebuild the keys from the archive files.", folder);
            }
            string path = KeyGeneration.PathOf(folder, newest);
            var generation = new KeyGeneration(storage.Open(path, FileAccessKind.ReadWrite), newest, settings.Salt);
            try
            {
                string note = Replay(generation, settings.Salt);
                // Its name too may have been read from the cache only, and what is recorded from now on goes behind it.
                storage.FlushFolder(folder);
                DeleteOthers(storage, folder, newest);
                return new JournalKeyManager(storage, folder, time, settings.Salt, generation) { RecoveryNote = note };
            }
            catch
            {
                generation.Dispose();
                throw;
            }
        }
        catch (Exception error) when (IsDeviceError(error))
        {
            throw StorageErrors.Wrap(error, "opening the archive keys", folder);
        }
    }

    private static IEnumerable<long> Generations(IStorage storage, string folder) =>
        storage.ListFiles(folder).Select(p => KeyGeneration.TryParse(p, out long number) ? number : 0).Where(n => n > 0);

    private static void RefuseExisting(IStorage storage, string folder)
    {
        // A journal without settings is what a creation leaves that was interrupted, unless something was recorded in it.
        bool exists = storage.FileExists(KeySettings.PathIn(folder))
            || Generations(storage, folder).Any(n => n > FirstGeneration
                || storage.FileLength(KeyGeneration.PathOf(folder, n)) > FrameHeader.FrameLength(KeyGeneration.HeadPayload));
        if (exists) throw new MessageStoreException(ErrorIds.DatabaseExists, ErrorKind.AlreadyExists, $"{folder} has a key manager already.", folder);
    }

    /// <returns>What was cut off, for people; empty for nothing.</returns>
    private static string Replay(KeyGeneration generation, uint salt)
    {
        using var reader = new FrameReader(generation.File, salt, 0, 1);
        ulong imageLsn = ReplayHead(generation, reader);
        long doubtful = 0; // where the last frames begin of which nothing says that they are durable
        while (reader.TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload))
        {
            if (header.Lsn == header.DurableLsn + 1) doubtful = reader.FrameOffset;
            if (header.Type == (byte)KeyFrameType.Entries) generation.Apply(payload, reader.FrameOffset + FrameHeader.Size);
        }

        FrameEnd end = reader.End;
        if (end.Kind == FrameEndKind.Damaged) throw generation.Damage(end.Offset, end.Detail);
        if (end.Lsn <= imageLsn) throw generation.Damage(end.Offset, "The file was complete when it got its name; now it ends there.");
        generation.End = end.Offset;
        generation.NextLsn = end.Lsn;
        string note = CutTail(generation, end);
        DoubtfulTail.MakeDurable(generation.File, doubtful, end.Offset);
        return note;
    }

    private static ulong ReplayHead(KeyGeneration generation, FrameReader reader)
    {
        // The head was on disk before the journal got its name, so a bad one is never a torn one.
        if (!reader.TryRead(out FrameHeader header, out ReadOnlySpan<byte> payload) || header.Type != (byte)KeyFrameType.Head
            || payload.Length < KeyGeneration.HeadPayload)
        {
            throw generation.Damage(0, "The head of the journal is not what was written.");
        }
        (int format, long number, ulong imageLsn) = KeyGeneration.ReadHead(payload);
        if (format > KeySettings.CurrentFormat)
        {
            throw new MessageStoreException(
                ErrorIds.DatabaseFormatTooNew, ErrorKind.NotSupported, $"{generation.File.Path} is of format {format}. Use a newer version.", generation.File.Path);
        }
        if (number != generation.Number) throw generation.Damage(0, $"This is generation {number}; somebody renamed the file.");
        return imageLsn;
    }

    /// <summary>Makes sure that nothing lies behind the end that a new frame could bring back to life; durable with the flush that follows.</summary>
    private static string CutTail(KeyGeneration generation, FrameEnd end)
    {
        long length = generation.File.Length;
        if (length == end.Offset) return "";
        generation.File.SetLength(end.Offset);
        return end.Kind == FrameEndKind.Clean
            ? ""
            : $"{generation.File.Path}: {length - end.Offset} bytes at offset {end.Offset} were cut off: {end.Detail}";
    }

    private static void DeleteOthers(IStorage storage, string folder, long newest)
    {
        foreach (long number in Generations(storage, folder).Where(n => n < newest).ToArray())
            storage.DeleteFile(KeyGeneration.PathOf(folder, number));
    }
}
