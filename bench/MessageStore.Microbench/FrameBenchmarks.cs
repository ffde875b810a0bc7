using BenchmarkDotNet.Attributes;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Microbench;

/// <summary>What the append path does with the bytes of a message: its checksum, computed by the caller, and its frame, laid out by the committer.</summary>
[MemoryDiagnoser]
public class FrameBenchmarks
{
    private const uint Salt = 77;

    private byte[] body = [];
    private byte[] target = [];
    private Transaction transaction = null!;

    [Params(256, 4096, 65536)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        body = new byte[Bytes];
        new Random(1).NextBytes(body);
        transaction = new Transaction(TransactionType.Append, new byte[160], body, Salt);
        target = new byte[transaction.FrameLength];
    }

    [Benchmark]
    public uint Checksum() => Crc32C.Compute(body, Salt);

    [Benchmark]
    public void Encode() => transaction.Encode(target, 2, 1, 3, Salt);

    [Benchmark]
    public int MakeTransaction() => new Transaction(TransactionType.Append, target.AsMemory(0, 160), body, Salt).FrameLength;
}
