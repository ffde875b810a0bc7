using BenchmarkDotNet.Attributes;
using MessageStore.Storage;

namespace MessageStore.Microbench;

/// <summary>Finding a message by its Id, at random, and adding one.</summary>
[MemoryDiagnoser]
public class IndexBenchmarks
{
    private const int Lookups = 10_000;

    private readonly MessageIndex index = new();
    private UInt128Bytes[] wanted = [];

    [Params(10_000, 1_000_000)]
    public int Messages { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        index.AddMailbox(1, "mailbox");
        var random = new Random(1);
        var ids = new UInt128Bytes[Messages];
        for (int i = 0; i < Messages; i++)
        {
            ids[i] = UInt128Bytes.From(Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddMilliseconds(i)));
            index.Add(new IndexEntry { Id = ids[i], Mailbox = 1, Length = 1, Segment = 1 });
        }
        wanted = [.. Enumerable.Range(0, Lookups).Select(_ => ids[random.Next(Messages)])];
    }

    [Benchmark(OperationsPerInvoke = Lookups)]
    public int Find()
    {
        int sum = 0;
        foreach (UInt128Bytes id in wanted) sum += index.Find(id);
        return sum;
    }

    /// <summary>One flag changed: digest, counts and the entry itself.</summary>
    [Benchmark(OperationsPerInvoke = Lookups)]
    public void Update()
    {
        foreach (UInt128Bytes id in wanted)
        {
            int slot = index.Find(id);
            IndexEntry entry = index.Entry(slot);
            entry.Flags ^= (EntryFlags)1;
            index.Update(slot, entry);
        }
    }
}
