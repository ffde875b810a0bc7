using BenchmarkDotNet.Attributes;
using MessageStore.Messages;

namespace MessageStore.Microbench;

/// <summary>Reading the header of real mail, as every append does: all sixty sample messages.</summary>
[MemoryDiagnoser]
public class HeaderBenchmarks
{
    private readonly List<byte[]> heads = [];
    private readonly HeaderReader reader = new();

    [GlobalSetup]
    public void Setup()
    {
        foreach (SourceMessage message in SampleMail.Open())
        {
            using (message.Body) heads.Add(message.Body.Head[..Math.Min(message.Body.Head.Length, MessageBody.HeadLimit)].ToArray());
        }
    }

    [Benchmark(OperationsPerInvoke = SampleMail.Count)]
    public int ReadHeader()
    {
        int length = 0;
        foreach (byte[] head in heads) length += reader.Read(head).Subject.Length;
        return length;
    }
}
