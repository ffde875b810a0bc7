using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>A storage node of a simulation: crashes, comes back, loses disks.</summary>
internal sealed class SimulatedNode : IDisposable
{
    private readonly SimulatedCluster cluster;
    private readonly int group;
    private readonly List<SimulatedDisk> disks = [];

    public SimulatedNode(SimulatedCluster cluster, string name, int units, int group, int seed)
    {
        this.cluster = cluster;
        this.group = group;
        Name = name;
        for (int n = 0; n < units; n++) disks.Add(new SimulatedDisk(Fresh($"u{n + 1}", seed * 10 + n), $"u{n + 1}"));
        Start();
    }

    public string Name { get; }

    public string Url => $"http://{Name}:1";

    public StorageNode? Running { get; private set; }

    public bool IsCutOff { get; set; }

    public bool IsRegistered { get; set; } = true;

    public IReadOnlyList<SimulatedDisk> Disks => disks;

    public StorageServerRecord Record() => new()
    {
        Name = Name, Url = Url, Group = group,
        Units = [.. disks.Select(d => new StorageUnitRecord
        {
            Name = d.Unit, Availability = Running?.Units.FirstOrDefault(u => u.ShortName == d.Unit)?.GetStatus().Availability ?? UnitAvailability.Available,
        })],
    };

    /// <summary>Starts the node where it is not running.</summary>
    public void Start() => Running ??= new StorageNode(Name, [.. disks.Select(d => StorageUnit.Open(d.Storage, UnitSamples.Folder, Name, d.Unit, UnitSamples.Small))], cluster);

    /// <summary>Loss of power.</summary>
    public void Crash()
    {
        if (Running is null) return;
        foreach (SimulatedDisk disk in disks) disk.Storage = disk.Storage.Crash(new Random(cluster.Random.Next()));
        Running.Dispose();
        Running = null;
    }

    /// <summary>Ends the node in order.</summary>
    public void Stop()
    {
        Running?.Dispose();
        Running = null;
    }

    /// <summary>Puts an empty disk in a unit's place.</summary>
    public void LoseDisk(int index)
    {
        Stop();
        disks[index].Storage = Fresh(disks[index].Unit, cluster.Random.Next());
        Start();
    }

    public void Dispose() => Stop();

    private MemoryStorage Fresh(string unit, int seed)
    {
        var storage = new MemoryStorage(seed);
        storage.CreateFolder(Path.GetDirectoryName(UnitSamples.Folder)!);
        storage.FlushFolder(Path.GetPathRoot(UnitSamples.Folder)!);
        UnitMarker.Create(storage, UnitSamples.Folder, Name, unit, cluster.Clock, new Random(seed));
        return storage;
    }

    internal sealed class SimulatedDisk(MemoryStorage storage, string unit)
    {
        public MemoryStorage Storage { get; set; } = storage;

        public string Unit => unit;
    }
}
