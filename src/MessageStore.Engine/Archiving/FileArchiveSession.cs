using System.Buffers;
using MessageStore.IO;
using MessageStore.Keys;

namespace MessageStore.Archiving;

/// <summary>Appending to a mailbox's archive files. The file is created with its first record, so that a run without matches leaves nothing.</summary>
/// <remarks>
/// On opening, every file of the mailbox is compared with what keys say of it:
/// <list type="table">
/// <item><term>as long</term><description>as it should be</description></item>
/// <item><term>longer</term><description>an interrupted run: whole records are handed out as unrecorded; the rest is moved aside</description></item>
/// <item><term>shorter, or missing</term><description>this month's: ArchiveDamaged, nothing is appended; an older one: a note</description></item>
/// </list>
/// </remarks>
internal sealed class FileArchiveSession : IArchiveSession
{
    /// <summary>Bytes that are read back at a time: many small records, and any that is unpacked in memory.</summary>
    private const int ReadBackBlock = 4 << 20;

    private readonly IStorage storage;
    private readonly string root;
    private readonly string unit;
    private readonly string month;
    private readonly string volume;
    private readonly IKeyManager keys;
    private readonly TimeProvider time;
    private readonly Action release;
    private readonly Action confirm;
    private readonly DateTimeOffset storageDate;
    private readonly List<ArchivedRecord> unrecorded = [];
    private readonly List<string> notes = [];
    private IStorageFile? file;
    private long end;
    private bool failed;
    private bool disposed;

    /// <param name="confirm">Makes sure that the archive folder is still what it was: a new file in the place of a device that has gone would be hidden when it comes back.</param>
    public FileArchiveSession(
        IStorage storage, string root, string unit, string mailbox, DateTimeOffset storageDate, bool isNext, IKeyManager keys, TimeProvider time, Action release, Action confirm,
        CancellationToken cancellationToken)
    {
        this.storage = storage;
        this.root = root;
        this.unit = unit;
        this.keys = keys;
        this.time = time;
        this.release = release;
        this.confirm = confirm;
        this.storageDate = storageDate;
        month = ArchivePaths.VolumeOf(mailbox, storageDate);
        try
        {
            List<string> volumes = [.. ArchivePaths.VolumesIn(storage, root, ArchivePaths.FolderOf(mailbox))];
            volume = ChooseVolume(volumes, isNext);
            foreach (string other in volumes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Examine(other);
            }
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    public IReadOnlyList<ArchivedRecord> Unrecorded => unrecorded;

    public IReadOnlyList<string> Notes => notes;

    public ValueTask<IReadOnlyList<ArchiveKey>> AppendAsync(ArchiveBatch batch, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (failed) throw ArchiveErrors.Unavailable(PathOf(volume), "an earlier append failed in this run; the next run goes on.");
        if (batch.Records.Any(r => ArchivePaths.VolumeOf(r.Mailbox, r.StorageDate) != month))
            throw new ArgumentException("A record belongs to another mailbox or month than the session.", nameof(batch));
        try
        {
            bool isNew = file is null;
            IStorageFile target = file ??= CreateFile();
            long start = end;
            long at = start;
            batch.CopyTo(block =>
            {
                target.Write(block.Span, at);
                at += block.Length;
            });
            target.Flush();
            if (isNew)
            {
                FlushNames();
                confirm();
            }
            target.DropCache(start, at - start); // or what is read back would be what we have in memory, and not what the device has
            IReadOnlyList<ArchiveKey> appended = ReadBack(target, batch, start);
            target.DropCache(start, at - start);
            end = at;
            return ValueTask.FromResult(appended);
        }
        catch (Exception error)
        {
            failed = true;
            GiveBack();
            if (!ArchiveErrors.IsDevice(error)) throw;
            throw ArchiveErrors.Wrap(error, $"appending {batch.Records.Count} records", PathOf(volume));
        }
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        file?.Dispose();
        release();
    }

    /// <summary>
    /// The newest generation of this month. One that is gone although keys were recorded in it was deleted because all of it had expired, where no key points at it any
    /// more: its name is not used again, because keys still cover its length.
    /// </summary>
    private string ChooseVolume(List<string> volumes, bool isNext)
    {
        int generation = volumes.Where(v => ArchivePaths.Generation(v, 1) == month).Select(ArchivePaths.GenerationOf).DefaultIfEmpty(1).Max();
        while (Covered(generation + 1) > 0) generation++;
        string newest = ArchivePaths.Generation(month, generation);
        if (isNext) return ArchivePaths.Generation(month, generation + 1);
        if (Covered(generation) == 0 || volumes.Contains(newest)) return newest;
        MessageStoreException gone = Short(newest, 0, Covered(generation), out long missing);
        return missing > 0 ? throw gone : ArchivePaths.Generation(month, generation + 1);

        long Covered(int number) => keys.EndOf(FileArchiveTarget.TargetName, unit, ArchivePaths.Generation(month, number));
    }

    private string PathOf(string name) => ArchivePaths.Resolve(root, name);

    /// <summary>Compares a file with its keys, and opens it for appending where it is this month's.</summary>
    private void Examine(string name)
    {
        bool mine = name == volume;
        long covered = keys.EndOf(FileArchiveTarget.TargetName, unit, name);
        long length = storage.FileLength(PathOf(name));
        if (length < covered)
        {
            MessageStoreException tooShort = Short(name, length, covered, out _);
            if (mine) throw tooShort;
            notes.Add(tooShort.Message);
            return;
        }
        if (length == covered && !mine) return;

        IStorageFile opened = storage.Open(PathOf(name), FileAccessKind.ReadWrite);
        try
        {
            long good = covered;
            if (length > covered)
            {
                foreach (ArchivedRecordInfo info in ArchiveTail.FindWhole(opened, covered, out good))
                    unrecorded.Add(new ArchivedRecord(info, info.ToKey(FileArchiveTarget.TargetName, unit, name)));

                // They may never have been flushed, or in vain, and keys are about to vouch for them.
                if (good > covered) DoubtfulTail.MakeDurable(opened, covered, good);
                if (good < length) notes.Add(ArchiveTail.CutOff(storage, opened, good, time.GetUtcNow()));

                // The name may be as little durable as the bytes were.
                if (good > covered) FlushNames();
            }
            if (!mine) return;
            (file, end, opened) = (opened, good, null!);
        }
        finally
        {
            opened?.Dispose();
        }
    }

    private IStorageFile CreateFile()
    {
        string path = PathOf(volume);
        storage.CreateFolder(Path.GetDirectoryName(path)!);
        return storage.Open(path, FileAccessKind.CreateNew);
    }

    private void FlushNames()
    {
        storage.FlushFolder(Path.GetDirectoryName(PathOf(volume))!);
        storage.FlushFolder(root);
    }

    private List<ArchiveKey> ReadBack(IStorageFile target, ArchiveBatch batch, long start)
    {
        List<ArchiveKey> appended = [.. batch.Records.Select(r => (r with { Offset = start + r.Offset }).ToKey(FileArchiveTarget.TargetName, unit, volume))];
        byte[] block = ArrayPool<byte>.Shared.Rent(ReadBackBlock);
        try
        {
            for (int next = 0; next < appended.Count;)
            {
                int first = next;
                long from = appended[first].Offset;
                while (next < appended.Count && ArchiveRecordReader.IsSmall(batch.Records[next]) && appended[next].Offset + appended[next].Length - from <= block.Length) next++;
                if (next == first)
                {
                    // Too large for a block: read in pieces.
                    ArchiveRecordReader.Verify(target, ArchiveRecordReader.ReadInfo(target, appended[next++]));
                    continue;
                }
                int length = (int)(appended[next - 1].Offset + appended[next - 1].Length - from);
                int count = target.ReadFully(block.AsSpan(0, length), from);
                if (count < length) throw ArchiveErrors.Damaged(target.Path, from + count, "the file ends there, within what was just written.");
                for (int i = first; i < next; i++) ArchiveRecordReader.Verify(target, appended[i], block.AsMemory((int)(appended[i].Offset - from), (int)appended[i].Length));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
        return appended;
    }

    /// <summary>Takes back what a failed append left; where that fails too, the next session finds it beyond the keys.</summary>
    private void GiveBack()
    {
        try
        {
            if (file is null) return;
            if (end > 0)
            {
                file.SetLength(end);
                return;
            }
            file.Dispose();
            storage.DeleteFile(file.Path);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
        }
    }

    private MessageStoreException Short(string name, long length, long covered, out long missing)
    {
        missing = keys.List().LongCount(k =>
            k.Target == FileArchiveTarget.TargetName && k.Unit == unit && k.Volume == name && k.Offset + k.Length > length);
        return new MessageStoreException(
            ErrorIds.ArchiveDamaged, ErrorKind.Damaged,
            length == 0
                ? $"{PathOf(name)} is missing or empty: {missing} records that keys point at are gone. Bring the file back from another copy."
                : $"{PathOf(name)} is damaged at offset {length}: it ends there, but keys reach to {covered}; {missing} records are missing. Bring the file back from another copy.",
            PathOf(name));
    }
}
