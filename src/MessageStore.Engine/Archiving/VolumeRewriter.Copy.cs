using System.Buffers;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>The next generation of an archive file: whatever a file is written anew for, it comes to be in this one way.</summary>
/// <remarks>
/// Where a crash leaves it, and what the next run does (docs/archive.md):
/// <list type="table">
/// <item><term>a copy under its working name</term><description>nothing points at it, and nobody takes it for an archive file: it is deleted</description></item>
/// <item><term>a copy under its own name</term><description>it is whole, durable and covered: the keys that still point at the older file are pointed at it</description></item>
/// <item><term>the older file, with nothing to be kept that is not in the copy</term><description>it is deleted, or set aside where it is damaged</description></item>
/// </list>
/// </remarks>
internal sealed partial class VolumeRewriter
{
    /// <summary>Ending of a copy that is being made. It is no volume before it is whole.</summary>
    private const string WorkingSuffix = ".copying";

    private const int CopyBlockSize = 1 << 20;
    private const int KeysAtATime = 4096;

    /// <summary>Clears away what interrupted runs did not finish, and goes on with what they did: afterwards each key points at the newest whole record there is for it.</summary>
    private void FinishInterrupted(IStorageFile old, string volume, CancellationToken cancellationToken)
    {
        DeleteUnfinished(Path.GetDirectoryName(old.Path)!);
        FinishOlder(old, volume, cancellationToken);
        PointAtTwins(volume, cancellationToken);
    }

    /// <summary>Copies of interrupted runs that never got their names.</summary>
    private void DeleteUnfinished(string folder)
    {
        foreach (string path in storage.ListFiles(folder).Where(p => p.EndsWith(ArchivePaths.Suffix + WorkingSuffix, StringComparison.Ordinal))) storage.DeleteFile(path);
    }

    /// <summary>Points the keys at copies that an interrupted run made.</summary>
    private void PointAtTwins(string volume, CancellationToken cancellationToken)
    {
        bool isDurable = false;
        foreach (string newer in NewerThan(volume))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using IStorageFile copy = storage.Open(PathOf(newer), FileAccessKind.Read);
            if (copy.Length > keys.EndOf(FileArchiveTarget.TargetName, unit, newer)) continue;
            if (!isDurable) storage.FlushFolder(Path.GetDirectoryName(copy.Path)!); // that run may have failed just there
            isDurable = true;
            PointKeys(copy, newer, volume);
        }
    }

    /// <summary>
    /// A newer generation that keys do not cover to its end: left by a run of the archive agent, or by an earlier version, which gave a copy its name before it was finished. Where no key ever
    /// pointed there, the copy may have been cut off: then it goes, because everything in it is in the older one too.
    /// </summary>
    private void FinishOlder(IStorageFile old, string volume, CancellationToken cancellationToken)
    {
        foreach (string newer in NewerThan(volume))
        {
            cancellationToken.ThrowIfCancellationRequested();
            long known = keys.EndOf(FileArchiveTarget.TargetName, unit, newer);
            if (storage.FileLength(PathOf(newer)) <= known) continue;
            bool isSuperfluous;
            using (IStorageFile copy = storage.Open(PathOf(newer), FileAccessKind.ReadWrite))
            {
                if (known > 0 || IsWhole(copy))
                {
                    DoubtfulTail.MakeDurable(copy, known, copy.Length); // keys are about to vouch for it
                    storage.FlushFolder(Path.GetDirectoryName(copy.Path)!);
                    PointKeys(copy, newer, volume);
                    known = keys.EndOf(FileArchiveTarget.TargetName, unit, newer);
                }
                isSuperfluous = known == 0 && IsCopyOf(old, copy);
            }
            if (isSuperfluous) DeleteFile(newer);
        }
    }

    /// <summary>The newer generations of a volume's month that are there.</summary>
    public List<string> NewerThan(string volume) =>
    [
        .. ArchivePaths.VolumesIn(storage, root, ArchivePaths.MailboxFolderOf(volume))
            .Where(v => ArchivePaths.Generation(v, 1) == ArchivePaths.Generation(volume, 1) && ArchivePaths.GenerationOf(v) > ArchivePaths.GenerationOf(volume)),
    ];

    /// <summary>Whether there is no whole record in a file that does not lie whole in the older one too: that may have been damaged since.</summary>
    private static bool IsCopyOf(IStorageFile old, IStorageFile copy)
    {
        Dictionary<(Guid, long), long> there = [];
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(old, 0)) there[(info.Id, info.Length)] = info.Offset;
        return ArchiveWalker.Walk(copy, 0).Where(i => IsWhole(copy, i)).All(i =>
            there.TryGetValue((i.Id, i.Length), out long offset) && ArchiveRecordReader.TryReadInfo(old, offset) is { } twin && IsWhole(old, twin));
    }

    private static bool IsWhole(IStorageFile copy)
    {
        bool isWhole = true;
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(copy, 0, _ => isWhole = false))
            if (!isWhole || !IsWhole(copy, info)) return false;
        return isWhole;
    }

    /// <summary>Which of the records that are to stay have to be copied: those that a key points at, and those that lie in no newer generation.</summary>
    private HashSet<long> ToCopy(IStorageFile old, string volume, IReadOnlySet<long> staying, out HashSet<Guid> keyless, CancellationToken cancellationToken)
    {
        var offsets = new HashSet<long>();
        var alone = new Dictionary<(Guid Id, long Length, string Sha256, DateTimeOffset? DeletionDate), List<long>>();
        foreach (ArchivedRecordInfo info in At(old, staying))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (KeyAt(volume, info) is not { } key)
            {
                if (!alone.TryGetValue(NameOf(info), out List<long>? same)) alone.Add(NameOf(info), same = []);
                same.Add(info.Offset);
            }
            else if (KeyOf(info, volume) is not null) offsets.Add(info.Offset);
            else throw ArchiveErrors.Damaged(old.Path, info.Offset, $"the key of message {key.Id} says otherwise than its record. Make the keys anew with Test-MessageArchive -Rebuild.");
        }
        foreach (string newer in NewerThan(volume).TakeWhile(_ => alone.Count > 0))
        {
            using IStorageFile copy = storage.Open(PathOf(newer), FileAccessKind.Read);
            foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(copy, 0).Where(i => alone.ContainsKey(NameOf(i))))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (IsWhole(copy, info)) alone.Remove(NameOf(info));
            }
        }
        offsets.UnionWith(alone.Values.SelectMany(o => o));
        keyless = [.. alone.Keys.Select(n => n.Id)];
        return offsets;

        static (Guid, long, string, DateTimeOffset?) NameOf(ArchivedRecordInfo info) => (info.Id, info.Length, info.Sha256, info.DeletionDate);
    }

    /// <summary>Copies records into the next generation and points their keys there. It has its name only once it is whole and durable, and keys cover it.</summary>
    /// <returns>The volume.</returns>
    private string CopyTo(IStorageFile old, string volume, IReadOnlySet<long> offsets, HashSet<Guid> keyless, TombstoneFile tombstones, CancellationToken cancellationToken)
    {
        string next = NextGeneration(volume), working = PathOf(next) + WorkingSuffix;
        try
        {
            using (IStorageFile copy = storage.Open(working, FileAccessKind.CreateNew))
            {
                Copy(old, copy, At(old, offsets), cancellationToken);
                keys.Cover([new CoveredVolume(FileArchiveTarget.TargetName, unit, next, copy.Length)]);
            }
            tombstones.Add([.. OfCopies(tombstones, volume, next, keyless)]);
            storage.RenameFile(working, PathOf(next));
        }
        catch
        {
            TryDeleteFile(working);
            throw;
        }
        storage.FlushFolder(Path.GetDirectoryName(working)!);
        using IStorageFile named = storage.Open(PathOf(next), FileAccessKind.Read);
        PointKeys(named, next, volume);
        return next;
    }

    /// <summary>What has expired, or was given up, and has to be copied all the same, is to go from the copy: the file was damaged, or a hold keeps it.</summary>
    private static List<Tombstones> OfCopies(TombstoneFile tombstones, string volume, string next, HashSet<Guid> keyless)
    {
        if (keyless.Count == 0) return [];
        string month = ArchivePaths.Generation(volume, 1);
        var again = new List<Tombstones>();
        foreach (IGrouping<TombstoneFrameType, Tombstones> type in tombstones.Read().Where(t => t.Volume.Length > 0 && ArchivePaths.Generation(t.Volume, 1) == month).GroupBy(t => t.Type))
        {
            Guid[] ids = [.. type.SelectMany(t => t.Ids).Where(keyless.Contains).Distinct()];
            if (ids.Length > 0 || type.Key == TombstoneFrameType.Superfluous) again.Add(new Tombstones(type.Key, next, ids));
        }
        return again;
    }

    /// <summary>Copies records one behind the other, byte for byte, makes them durable, reads them back and compares all their checksums.</summary>
    private static void Copy(IStorageFile old, IStorageFile copy, IEnumerable<ArchivedRecordInfo> records, CancellationToken cancellationToken)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        long end = 0;
        try
        {
            foreach (ArchivedRecordInfo info in records)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (long at = 0; at < info.Length;)
                {
                    int count = old.ReadFully(block.AsSpan(0, (int)Math.Min(block.Length, info.Length - at)), info.Offset + at);
                    if (count == 0) throw ArchiveErrors.Damaged(old.Path, info.Offset + at, "the file ends within a record.");
                    copy.Write(block.AsSpan(0, count), end + at);
                    at += count;
                }
                end += info.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        copy.Flush();
        copy.DropCache(0, end); // or what is read back would be what we have in memory, and not what the device has
        foreach (ArchivedRecordInfo info in ArchiveWalker.Walk(copy, 0, Refuse))
        {
            cancellationToken.ThrowIfCancellationRequested();
            ArchiveRecordReader.Verify(copy, info);
        }
    }

    private static IEnumerable<ArchivedRecordInfo> At(IStorageFile file, IReadOnlySet<long> offsets) => ArchiveWalker.Walk(file, 0).Where(i => offsets.Contains(i.Offset));

    private void PointKeys(IStorageFile copy, string newer, string older)
    {
        // A message that was archived again for another time has two records of the same length and digest: the one with the key's own deletion date comes first.
        PointKeys(copy, newer, older, isExact: true);
        PointKeys(copy, newer, older, isExact: false);
    }

    private void PointKeys(IStorageFile copy, string newer, string older, bool isExact)
    {
        ArchiveKey? Wanting(ArchivedRecordInfo info) => KeyOf(info, older) is { } key && (!isExact || key.DeletionDate == info.DeletionDate) ? key : null;
        foreach (ArchivedRecordInfo[] whole in ArchiveWalker.Walk(copy, 0).Where(i => Wanting(i) is not null && IsWhole(copy, i)).Chunk(KeysAtATime))
        {
            // Deleted by its user meanwhile? Then the key says so, and must go on saying it.
            lock (keys.Updating)
                keys.Put([.. whole.Select(i => (Key: Wanting(i), i.Offset)).Where(m => m.Key is not null).Select(m => m.Key! with { Volume = newer, Offset = m.Offset })]);
        }
    }

    /// <summary>The key in an older generation that this record is a copy for.</summary>
    private ArchiveKey? KeyOf(ArchivedRecordInfo info, string older) =>
        keys.Find(info.Id).FirstOrDefault(k => IsIn(k, older) && k.Length == info.Length && k.Sha256 == info.Sha256);

    private string NextGeneration(string volume)
    {
        int generation = ArchivePaths.GenerationOf(volume) + 1;
        while (storage.FileExists(PathOf(ArchivePaths.Generation(volume, generation)))
            || keys.EndOf(FileArchiveTarget.TargetName, unit, ArchivePaths.Generation(volume, generation)) > 0) generation++;
        return ArchivePaths.Generation(volume, generation);
    }

    private void TryDeleteFile(string path)
    {
        try
        {
            storage.DeleteFile(path);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            // No key points there: the next run goes on from it.
        }
    }
}
