using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Keys;
using MessageStore.Storage;

namespace MessageStore.Replication;

/// <summary>
/// A storage unit with its process module: gathers records in memory, writes them in blocks to volumes by storage date and deletion date, one flush for many, and acknowledges
/// each with its place only then. Format and what opening does: docs/format-volume.md. Members may be called from any thread, concurrently.
/// </summary>
/// <remarks>
/// A write or flush that fails takes the unit out: it acknowledges nothing more until it is opened again. Reading goes on. A volume that somebody deleted is forgotten, and the unit goes on in a new
/// one.
/// </remarks>
internal sealed partial class StorageUnit : IDisposable
{
    /// <summary>Held by the node that serves the unit.</summary>
    public const string LockName = "unit.lock";

    private readonly IStorage storage;
    private readonly UnitOptions options;
    private volatile UnitMarker marker;
    private readonly OwnerLock owner;
    private readonly Lock disk = new(); // held by whoever changes volumes or the table
    private readonly UnitTable table = new();
    private readonly List<UnitVolume> volumes = [];
    private readonly List<string> notes = [];
    private readonly Thread writer;

    private StorageUnit(IStorage storage, string folder, UnitMarker marker, OwnerLock owner, UnitOptions options)
    {
        this.storage = storage;
        this.options = options;
        this.marker = marker;
        this.owner = owner;
        Folder = folder;
        writer = new Thread(Write) { IsBackground = true, Name = $"unit {Name}" };
    }

    public string Folder { get; }

    /// <summary>The unit as keys name it: <c>node/unit</c>.</summary>
    public string Name => $"{marker.Node}/{marker.Unit}";

    /// <summary>Its name within the node.</summary>
    public string ShortName => marker.Unit;

    /// <summary>What opening found, for the administrator; empty where all was in order.</summary>
    public IReadOnlyList<string> Notes => notes;

    /// <summary>Opens a unit: takes its lock, goes over its volumes and learns which records it holds.</summary>
    /// <exception cref="MessageStoreException">ArchiveUnavailable: it is not there or not this node's; DatabaseInUse: another process serves it.</exception>
    public static StorageUnit Open(IStorage storage, string folder, string node, string? unit, UnitOptions options)
    {
        UnitMarker marker = UnitMarker.Load(storage, folder, node, unit);
        OwnerLock owner = OwnerLock.Take(storage, Path.Combine(folder, LockName), node, options.Clock, holder => new MessageStoreException(
            ErrorIds.DatabaseInUse, ErrorKind.Busy, $"The storage unit {folder} is served by process {holder?.ProcessId.ToString() ?? "(unknown)"} already.", folder));
        try
        {
            var opened = new StorageUnit(storage, folder, marker, owner, options);
            opened.Recover();
            if (options.Database is { } database && opened.Database is null) opened.Bind(database);
            opened.Admit(options.Database ?? opened.Database ?? Guid.Empty, bind: false);
            opened.writer.Start();
            return opened;
        }
        catch (Exception error)
        {
            owner.Dispose();
            if (!ArchiveErrors.IsDevice(error)) throw;
            throw ArchiveErrors.Wrap(error, "opening it", folder);
        }
    }

    /// <summary>The database that the unit serves; <see langword="null"/> where it serves none yet, or was made before units said so.</summary>
    public Guid? Database => marker.Database;

    /// <summary>
    /// Makes sure that whoever wants something changed is the database that the unit serves. A unit that is empty and serves none becomes this one's with the first record, durably; one of an older
    /// version that holds records and does not say whose is left as it is, until its node is started with <c>--database</c>.
    /// </summary>
    /// <param name="database">The database; empty for a caller that names none.</param>
    /// <param name="bind">Whether the unit may become this database's.</param>
    /// <exception cref="MessageStoreException">UnitOfAnotherDatabase; ArchiveUnavailable.</exception>
    public void Admit(Guid database, bool bind)
    {
        if (marker.Database == database || marker.Database is null && (!bind || database == Guid.Empty)) return;
        lock (disk)
        {
            if (marker.Database is { } other)
            {
                if (other == database) return;
                throw new MessageStoreException(ErrorIds.UnitOfAnotherDatabase, ErrorKind.Denied,
                    $"The storage unit {Name} serves database {other} and takes nothing from {(database == Guid.Empty ? "a caller that names no database" : $"database {database}")}.", Name);
            }
            if (table.Count > 0 || volumes.Exists(v => !v.IsGone)) return;
            Bind(database);
        }
    }

    /// <summary>Says from now on, durably, which database the unit serves.</summary>
    private void Bind(Guid database)
    {
        try
        {
            UnitMarker bound = marker with { Format = UnitMarker.CurrentFormat, Database = database };
            bound.Save(storage, Folder);
            marker = bound;
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            MessageStoreException cause = ArchiveErrors.Wrap(error, $"binding it to database {database}", Folder);
            if (cause.ErrorId == ErrorIds.DiskFull) throw cause;
            TakeOut(cause, []);
            throw Refusal(cause);
        }
    }

    /// <summary>Where the record of a message lies; <see langword="null"/> where the unit holds none.</summary>
    public RecordPlace? Find(Guid id)
    {
        lock (disk) return Locate(id, (_, _) => true) is { } found ? new RecordPlace(volumes[found.Volume].Name.ToString(), found.Info.Offset, found.Info.Length) : null;
    }

    /// <summary>Opens a volume for reading. The caller disposes it.</summary>
    /// <exception cref="MessageStoreException">PathNotFound: the unit has no such volume; ArchiveUnavailable.</exception>
    public IStorageFile OpenVolume(string volume)
    {
        if (!VolumeName.TryParse(volume, out VolumeName name)) throw NoVolume(volume, null);
        try
        {
            return storage.Open(name.PathIn(Folder), FileAccessKind.Read);
        }
        catch (Exception error) when (IsMissing(error))
        {
            NoticeMissing(name);
            throw NoVolume(volume, error);
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "opening a volume", name.PathIn(Folder));
        }
    }

    /// <summary>The volumes that are there, by storage date.</summary>
    public IReadOnlyList<string> ListVolumes()
    {
        lock (disk) return [.. volumes.Where(v => !v.IsGone).Select(v => v.Name.ToString())];
    }

    /// <summary>The records of a volume that count, by their headers; bodies are not looked at.</summary>
    public IReadOnlyList<ArchivedRecordInfo> ListRecords(string volume)
    {
        using IStorageFile file = OpenVolume(volume);
        int number;
        long length;
        lock (disk)
        {
            number = volumes.FindIndex(v => v.Name.ToString() == volume);
            if (number < 0) return [];
            length = volumes[number].Length;
        }

        // Records come in while the volume is gone over: what is erased meanwhile does not count at the end.
        List<ArchivedRecordInfo> found = [.. VolumeRecovery.Walk(file, marker.Salt, length)];
        lock (disk) return [.. found.Where(r => table.Contains(IdTag.Of(r.Id), number, r.Offset))];
    }

    public StorageUnitStatus GetStatus()
    {
        MessageStoreException? trouble = TakenOut;
        lock (disk)
        {
            return new StorageUnitStatus
            {
                Name = Name,
                Folder = Folder,
                Availability = trouble is not null ? UnitAvailability.Unavailable : HasRoom(0) ? UnitAvailability.Available : UnitAvailability.ReadOnly,
                Reason = trouble?.Message ?? "",
                Database = Database,
                RecordCount = table.Count,
                VolumeCount = volumes.Count(v => !v.IsGone),
                Bytes = volumes.Where(v => !v.IsGone).Sum(v => v.Length),
                Notes = [.. notes],
            };
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            if (closing) return;
            closing = true;
            Monitor.PulseAll(gate);
        }
        writer.Join();
        owner.Dispose();
    }

    private void Recover()
    {
        foreach (string day in storage.ListFolders(Path.Combine(Folder, VolumeName.Folder)))
            foreach (string path in storage.ListFiles(day))
                if (VolumeName.TryParse($"{Path.GetFileName(day)}/{Path.GetFileName(path)}", out VolumeName name)) Recover(path, name);
    }

    private void Recover(string path, VolumeName name)
    {
        int number = volumes.Count;
        var volume = new UnitVolume(name);
        try
        {
            RecoveredVolume recovered = VolumeRecovery.Recover(storage, path, marker.Salt, record => table.Add(IdTag.Of(record.Id), number, record.Offset));
            volume.Length = recovered.End;
            volume.IsGone = recovered.End == 0;
            notes.AddRange(recovered.Notes);
            volume.Damaged = recovered.Damaged;
            FillSmall(volume);
        }
        catch (MessageStoreException error) when (error.ErrorId == ErrorIds.ArchiveDamaged)
        {
            // One volume's trouble is no other's. What it holds, repair brings back from other copies; its number is not used again.
            volume.IsRefused = true;
            volume.Length = storage.FileLength(path);
            notes.Add(error.Message);
        }
        volumes.Add(volume);
    }

    /// <summary>Finds the record of an Id that a condition on its volume's number and its header holds for. Called with the disk held.</summary>
    private (int Volume, ArchivedRecordInfo Info)? Locate(Guid id, Func<int, ArchivedRecordInfo, bool> condition)
    {
        int cursor = -1;
        while (table.TryNext(IdTag.Of(id), ref cursor, out int number, out long offset))
        {
            if (InfoAt(number, offset) is { } info && info.Id == id && condition(number, info)) return (number, info);
            if (volumes[number].IsGone) cursor = -1; // it was forgotten just now, and the table is another
        }
        return null;
    }

    private ArchivedRecordInfo? InfoAt(int volume, long offset)
    {
        using IStorageFile? file = OpenOrForget(volume, FileAccessKind.Read);
        return file is null ? null : ArchiveRecordReader.TryReadInfo(file, offset);
    }

    private bool HasRoom(long bytes) => storage.FreeBytes(Folder) - bytes >= options.Reserve;

    private MessageStoreException NoVolume(string volume, Exception? inner) =>
        new(ErrorIds.PathNotFound, ErrorKind.NotFound, $"The storage unit {Name} has no volume '{volume}'.", volume, inner);

    /// <summary>A volume of the unit.</summary>
    private sealed class UnitVolume(VolumeName name)
    {
        public VolumeName Name => name;

        public long Length { get; set; }

        /// <summary>Stretches that opening found damaged and passed over.</summary>
        public IReadOnlyList<DamagedStretch> Damaged { get; set; } = [];

        /// <summary>Whether its file has been deleted, by the unit or by somebody else; its number stays, so that the table's places keep their meaning.</summary>
        public bool IsGone { get; set; }

        /// <summary>Whether opening found that it is not to be touched.</summary>
        public bool IsRefused { get; set; }
    }
}
