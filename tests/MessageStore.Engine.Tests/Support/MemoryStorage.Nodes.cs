using MessageStore.IO;

namespace MessageStore.Tests.Support;

/// <summary>Kinds of operations, for aiming a fault.</summary>
[Flags]
internal enum StorageOperations
{
    Open = 1,
    Read = 2,
    Write = 4,
    Flush = 8,
    SetLength = 16,
    Rename = 32,
    Delete = 64,
    CreateFolder = 128,
    FlushFolder = 256,
    Look = 512,
    /// <summary>Everything that changes something or makes it durable.</summary>
    Changes = Write | Flush | SetLength | Rename | Delete | CreateFolder | FlushFolder,
    All = Open | Read | Changes | Look,
}

/// <summary>The tree of names, and the counting of operations.</summary>
internal sealed partial class MemoryStorage
{
    private static string[] Parts(string path) => path.Split(
        [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Counts an operation and raises the error that is due; <paramref name="damage"/> is what it does all the same.</summary>
    private void Begin(StorageOperations kind, Action? damage = null)
    {
        if (crashed) throw new IOException("The machine that this storage belonged to is gone.");
        if (BeforeChange is not null && ((kind & StorageOperations.Changes) != 0)) BeforeChange(kind);
        if (crashed) throw new IOException("The power failed before this operation.");
        Operations++;
        if (FaultsWait || failAt is null || (failKinds & kind) == 0 || --failAt > 0) return;
        failAt = null;
        FaultHappened = true;
        damage?.Invoke();
        throw failure!;
    }

    private void Change(params (MemoryFolder Folder, string Name, object? Node)[] sets)
    {
        foreach ((MemoryFolder folder, string name, object? node) in sets)
        {
            if (node is null) folder.Current.Remove(name);
            else folder.Current[name] = node;
        }
        unflushedNames.Add(new NameChange(sets));
    }

    private void Rename<T>(string from, string to, bool replace)
        where T : class
    {
        Interleave?.Invoke(StorageOperations.Rename);
        lock (gate)
        {
            MemoryFolder source = FindFolder(Path.GetDirectoryName(from)!);
            MemoryFolder target = FindFolder(Path.GetDirectoryName(to)!);
            Begin(StorageOperations.Rename);
            if (source.Current.GetValueOrDefault(Path.GetFileName(from)) is not T node) throw new FileNotFoundException($"{from} not found.", from);
            if (!replace && target.Current.ContainsKey(Path.GetFileName(to))) throw new IOException($"{to} exists.");
            Change((source, Path.GetFileName(from), null), (target, Path.GetFileName(to), node));
        }
    }

    private void Delete<T>(string path)
        where T : class
    {
        lock (gate)
        {
            Begin(StorageOperations.Delete);
            if (Find(path) is T) Change((FindFolder(Path.GetDirectoryName(path)!), Path.GetFileName(path), null));
        }
    }

    private object? Look(string path)
    {
        lock (gate)
        {
            Begin(StorageOperations.Look);
            return Find(path);
        }
    }

    private List<string> List<T>(string folder)
        where T : class
    {
        lock (gate)
        {
            Begin(StorageOperations.Look);
            if (Find(folder) is not MemoryFolder found) return [];
            return [.. found.Current.Where(e => e.Value is T).Select(e => Path.Combine(folder, e.Key)).Order(StringComparer.Ordinal)];
        }
    }

    private object? Find(string path)
    {
        object? node = root;
        foreach (string name in Parts(path)) node = (node as MemoryFolder)?.Current.GetValueOrDefault(name);
        return node;
    }

    /// <summary>Lets bytes land over something that is on the disk.</summary>
    private void Stray(byte[] bytes)
    {
        List<MemoryInode> files = [.. root.Files().Where(f => f.DurableLength > 0)];
        if (files.Count > 0) files[random.Next(files.Count)].Hit(bytes, random);
    }

    private MemoryFolder FindFolder(string path) =>
        Find(path) as MemoryFolder ?? throw new DirectoryNotFoundException($"{path} not found.");

    private MemoryInode FindFile(string path) =>
        Find(path) as MemoryInode ?? throw new FileNotFoundException($"{path} not found.", path);

    /// <summary>Names that change together, all or none.</summary>
    private sealed class NameChange((MemoryFolder Folder, string Name, object? Node)[] sets)
    {
        public bool Touches(MemoryFolder folder) => sets.Any(s => s.Folder == folder);

        public void ApplyToDurable() => ApplyTo(folder => folder.Durable);

        public void ApplyTo(Func<MemoryFolder, Dictionary<string, object>> namesOf)
        {
            foreach ((MemoryFolder folder, string name, object? node) in sets)
            {
                if (node is null) namesOf(folder).Remove(name);
                else namesOf(folder)[name] = node;
            }
        }
    }

    private sealed class MemoryFolder
    {
        public Dictionary<string, object> Current { get; init; } = [];

        public Dictionary<string, object> Durable { get; init; } = [];

        public long Bytes() => Current.Values.Sum(n => n is MemoryFolder folder ? folder.Bytes() : ((MemoryInode)n).Current.Length);

        public IEnumerable<MemoryInode> Files() => Current.OrderBy(e => e.Key, StringComparer.Ordinal).SelectMany(e => e.Value is MemoryFolder folder ? folder.Files() : [(MemoryInode)e.Value]);

        public MemoryFolder Survivor(Random chance, Func<MemoryFolder, Dictionary<string, object>> namesOf) =>
            Of(namesOf(this), n => n is MemoryFolder f ? f.Survivor(chance, namesOf) : ((MemoryInode)n).Survivor(chance));

        public MemoryFolder Copy() => Of(Current, n => n is MemoryFolder f ? f.Copy() : new MemoryInode(((MemoryInode)n).Current.ToArray()));

        private static MemoryFolder Of(Dictionary<string, object> names, Func<object, object> copy)
        {
            Dictionary<string, object> nodes = names.OrderBy(e => e.Key, StringComparer.Ordinal).ToDictionary(e => e.Key, e => copy(e.Value));
            return new MemoryFolder { Current = nodes, Durable = new(nodes) };
        }
    }

    /// <summary>An open file.</summary>
    private sealed class MemoryFile(MemoryStorage storage, string path, MemoryInode inode, bool writable) : IStorageFile
    {
        private bool closed;

        public string Path => path;

        public long Length
        {
            get
            {
                lock (storage.gate)
                {
                    Check(StorageOperations.Look);
                    return inode.Current.Length;
                }
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            lock (storage.gate)
            {
                Check(StorageOperations.Read);
                if (offset >= inode.Current.Length) return 0;
                int count = (int)Math.Min(buffer.Length, inode.Current.Length - offset);
                if (storage.ShortReads && count > 1) count = storage.random.Next(1, count + 1);
                inode.Current.Span.Slice((int)offset, count).CopyTo(buffer);
                return count;
            }
        }

        public void Write(ReadOnlySpan<byte> buffer, long offset)
        {
            storage.Interleave?.Invoke(StorageOperations.Write);
            byte[] bytes = buffer.ToArray();
            lock (storage.gate)
            {
                Check(StorageOperations.Write, () => inode.Write(bytes.AsSpan(0, storage.random.Next(bytes.Length + 1)), offset));
                long growth = Math.Max(0, offset + bytes.Length - inode.Current.Length);
                long free = storage.Capacity == long.MaxValue ? long.MaxValue : storage.Capacity - storage.root.Bytes();
                if (growth > free)
                {
                    inode.Write(bytes.AsSpan(0, (int)Math.Max(0, bytes.Length - (growth - free))), offset);
                    throw new IOException("No space left on device", 28);
                }
                if (storage.misdirectAt is null || --storage.misdirectAt > 0)
                {
                    inode.Write(bytes, offset);
                    return;
                }
                storage.misdirectAt = null;
                storage.FaultHappened = true;
                inode.Miss(bytes, offset);
                storage.Stray(bytes);
            }
        }

        public void Flush()
        {
            storage.Interleave?.Invoke(StorageOperations.Flush);
            lock (storage.gate)
            {
                Check(StorageOperations.Flush, () => inode.FailFlush(storage.random));
                inode.Flush();
                if (storage.Find(path) != inode && !storage.root.Files().Contains(inode)) throw new DeletedFileException(path);
            }
        }

        public void SetLength(long length)
        {
            lock (storage.gate)
            {
                Check(StorageOperations.SetLength);
                inode.SetLength(length);
            }
        }

        public void Dispose() => closed = true;

        private void Check(StorageOperations kind, Action? damage = null)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            if (!writable && (kind & StorageOperations.Changes) != 0) throw new UnauthorizedAccessException($"{path} was opened for reading.");
            storage.Begin(kind, damage);
        }
    }
}
