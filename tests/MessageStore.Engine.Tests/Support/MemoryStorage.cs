using MessageStore.IO;

namespace MessageStore.Tests.Support;

/// <summary>
/// A disk in memory that breaks as real ones do, from a seed.
/// </summary>
/// <remarks>
/// The fault model:
/// <list type="bullet">
/// <item><b>Crash.</b> <see cref="Crash"/> ends this storage (every later call fails) and returns what survived as a new one. Of writes
/// and length changes since a file's last flush any subset survives, each write torn at 512-byte sectors. A file may have grown without
/// its bytes: such a gap reads as zeros. What was flushed survives whole.</item>
/// <item><b>Names.</b> Creations, renames and deletions survive for certain only after <see cref="FlushFolder"/> of their folder; of those
/// since, any subset survives, each whole (a rename is never half done). A file whose name is lost is lost with its flushed bytes.</item>
/// <item><b>Failing operations.</b> <see cref="FailAt"/> lets the nth operation from now raise an error. A failed write leaves a part of its
/// sectors in the file. A failed flush decides at once which sectors since the last one reached the disk; the rest never will, however often
/// one flushes again, although reading still shows it (what Linux does after a failed fsync).</item>
/// <item><b>Full disk.</b> Beyond <see cref="Capacity"/> a write stores what fits and raises ENOSPC.</item>
/// <item><b>Bit rot.</b> <see cref="Corrupt"/> alters bytes, flushed or not.</item>
/// <item><b>Misdirected writes.</b> The write that <see cref="MisdirectAt"/> names reaches the disk somewhere else: over durable bytes of some file, at a sector or where an
/// earlier write began. Where it should be, the disk has what it had, or zeros. Reading shows neither until the power failed: the system's cache is right.</item>
/// <item><b>Short reads.</b> With <see cref="ShortReads"/> a read returns fewer bytes than there are, as it may after a signal.</item>
/// <item><b>Any moment.</b> <see cref="BeforeChange"/> is called before each operation that changes something, with the disk held still;
/// <see cref="Fork"/> there shows what a crash at this very moment would leave, and the run goes on. <see cref="Interleave"/> is
/// called with nothing held, so that other threads may do their work in the middle of an operation's caller.</item>
/// </list>
/// Locks end with the storage. Not modelled: reads that differ from call to call, hard links.
/// </remarks>
internal sealed partial class MemoryStorage : IStorage
{
    private readonly Lock gate = new();
    private readonly Random random;
    private readonly MemoryFolder root;
    private readonly List<NameChange> unflushedNames = [];
    private readonly HashSet<string> locks = [];
    private long? failAt;
    private long? misdirectAt;
    private StorageOperations failKinds;
    private Exception? failure;
    private bool crashed;

    /// <param name="seed">Decides what a failed write or flush leaves behind.</param>
    public MemoryStorage(int seed = 1)
        : this(new MemoryFolder(), seed)
    {
    }

    private MemoryStorage(MemoryFolder root, int seed)
    {
        this.root = root;
        random = new Random(seed);
    }

    /// <summary>Operations done so far, of every kind.</summary>
    public long Operations { get; private set; }

    /// <summary>Bytes that all files together may take.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>Whether the operation that <see cref="FailAt"/> named last has come and failed.</summary>
    public bool FaultHappened { get; private set; }

    /// <summary>Whether a fault that is due waits: for a test's own looking.</summary>
    public bool FaultsWait { get; set; }

    /// <summary>Whether reads return less than was asked for and is there.</summary>
    public bool ShortReads { get; set; }

    /// <summary>Called before each changing operation, with the storage locked.</summary>
    /// <remarks>Once it was taken away, no call of it is under way any more.</remarks>
    public Action<StorageOperations>? BeforeChange
    {
        get;
        set
        {
            lock (gate) field = value;
        }
    }

    /// <summary>Called before each write, flush and rename, without any lock.</summary>
    public Action<StorageOperations>? Interleave { get; set; }

    /// <summary>
    /// Lets the <paramref name="n"/>-th operation from now (1 is the next), counting only those of the given kinds, raise
    /// <paramref name="error"/>; once.
    /// </summary>
    public void FailAt(long n, Exception error, StorageOperations kinds = StorageOperations.All)
    {
        lock (gate) (failAt, failure, failKinds, FaultHappened) = (n, error, kinds, false);
    }

    /// <summary>Lets the <paramref name="n"/>-th write from now (1 is the next) reach the disk at another place; once.</summary>
    public void MisdirectAt(long n)
    {
        lock (gate) (misdirectAt, FaultHappened) = (n, false);
    }

    /// <summary>Loss of power: ends this storage and returns what survived.</summary>
    public MemoryStorage Crash(Random chance)
    {
        lock (gate)
        {
            crashed = true;
            return Fork(chance);
        }
    }

    /// <summary>What a loss of power at this moment would leave, as a new storage; this one goes on.</summary>
    public MemoryStorage Fork(Random chance)
    {
        lock (gate)
        {
            var durable = new Dictionary<MemoryFolder, Dictionary<string, object>>();
            foreach (NameChange change in unflushedNames)
                if (chance.Next(2) == 0) change.ApplyTo(folder => durable.TryGetValue(folder, out var names) ? names : durable[folder] = new(folder.Durable));
            return new MemoryStorage(root.Survivor(chance, folder => durable.GetValueOrDefault(folder) ?? folder.Durable), chance.Next()) { ShortReads = ShortReads };
        }
    }

    /// <summary>Everything as it is now, as a new storage: a process that was killed, on a machine that was not.</summary>
    public MemoryStorage Kill()
    {
        lock (gate)
        {
            crashed = true;
            return new MemoryStorage(root.Copy(), random.Next()) { ShortReads = ShortReads };
        }
    }

    /// <summary>Alters one byte by exclusive or.</summary>
    public void Corrupt(string path, long offset, byte mask)
    {
        lock (gate) FindFile(path).Corrupt(offset, mask);
    }

    /// <summary>All bytes of a file as reading shows them.</summary>
    public byte[] Content(string path)
    {
        lock (gate) return FindFile(path).Current.ToArray();
    }

    /// <summary>Puts a durable file there, folders included.</summary>
    public void Put(string path, ReadOnlySpan<byte> content)
    {
        string folder = Path.GetDirectoryName(path)!;
        CreateFolder(folder);
        using IStorageFile file = Open(path, FileAccessKind.CreateOrTruncate);
        file.Write(content, 0);
        file.Flush();
        for (string? at = folder; at is not null; at = Path.GetDirectoryName(at)) FlushFolder(at);
    }

    public IStorageFile Open(string path, FileAccessKind access)
    {
        lock (gate)
        {
            if (access is FileAccessKind.CreateNew or FileAccessKind.CreateOrTruncate && !crashed) BeforeChange?.Invoke(StorageOperations.Open);
            Begin(StorageOperations.Open);
            MemoryFolder folder = FindFolder(Path.GetDirectoryName(path)!);
            string name = Path.GetFileName(path);
            MemoryInode? file = folder.Current.GetValueOrDefault(name) as MemoryInode;
            if (folder.Current.ContainsKey(name) && file is null) throw new UnauthorizedAccessException($"{path} is a folder.");
            if (access == FileAccessKind.CreateNew && file is not null) throw new IOException($"{path} exists.");
            if (file is null)
            {
                if (access is FileAccessKind.Read or FileAccessKind.ReadWrite or FileAccessKind.Pipe or FileAccessKind.BothEnds) throw new FileNotFoundException($"{path} not found.", path);
                file = new MemoryInode();
                Change((folder, name, file));
            }
            else if (access == FileAccessKind.CreateOrTruncate)
            {
                file.SetLength(0);
            }
            return new MemoryFile(this, path, file, access != FileAccessKind.Read);
        }
    }

    public void RenameFile(string from, string to) => Rename<MemoryInode>(from, to, replace: true);

    public void RenameFolder(string from, string to) => Rename<MemoryFolder>(from, to, replace: false);

    public void DeleteFile(string path) => Delete<MemoryInode>(path);

    public void DeleteFolder(string path) => Delete<MemoryFolder>(path);

    public void CreateFolder(string path)
    {
        lock (gate)
        {
            Begin(StorageOperations.CreateFolder);
            MemoryFolder folder = root;
            foreach (string name in Parts(path))
            {
                switch (folder.Current.GetValueOrDefault(name))
                {
                    case MemoryFolder next:
                        folder = next;
                        break;
                    case null:
                        var made = new MemoryFolder();
                        Change((folder, name, made));
                        folder = made;
                        break;
                    default:
                        throw new IOException($"{path} is a file.");
                }
            }
        }
    }

    public void FlushFolder(string path)
    {
        lock (gate)
        {
            MemoryFolder folder = FindFolder(path);
            Begin(StorageOperations.FlushFolder);
            foreach (NameChange change in unflushedNames.Where(c => c.Touches(folder))) change.ApplyToDurable();
            unflushedNames.RemoveAll(c => c.Touches(folder));
        }
    }

    public bool FileExists(string path) => Look(path) is MemoryInode;

    public bool FolderExists(string path) => Look(path) is MemoryFolder;

    public long FileLength(string path)
    {
        lock (gate)
        {
            Begin(StorageOperations.Look);
            return FindFile(path).Current.Length;
        }
    }

    public IReadOnlyList<string> ListFiles(string folder) => List<MemoryInode>(folder);

    public IReadOnlyList<string> ListFolders(string folder) => List<MemoryFolder>(folder);

    public long FreeBytes(string path)
    {
        lock (gate) return Capacity - root.Bytes();
    }

    public IDisposable? TryLock(string path)
    {
        lock (gate)
        {
            Begin(StorageOperations.Look);
            return locks.Add(path) ? new Release(() => { lock (gate) locks.Remove(path); }) : null;
        }
    }

    private sealed class Release(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
