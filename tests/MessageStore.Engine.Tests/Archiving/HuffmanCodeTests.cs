using MessageStore.Archiving;

namespace MessageStore.Tests.Archiving;

public sealed class HuffmanCodeTests
{
    [Fact]
    public void No_code_is_shorter_in_sum_and_every_code_is_complete()
    {
        var code = new HuffmanCode(286, 15);
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            int[] counts = new int[286];
            int used = random.Next(2, 286);
            for (int i = 0; i < used; i++) counts[random.Next(counts.Length)] = random.Next(1, 1 << random.Next(1, 10));
            if (counts.Count(c => c > 0) < 2) continue;
            code.Build(counts);
            Assert.Equal(1 << 15, code.Lengths.Where(l => l > 0).Sum(l => 1 << (15 - l)));
            Assert.Equal(Shortest(counts), code.Cost(counts));
        }
    }

    [Theory]
    [InlineData(7)]
    [InlineData(12)]
    public void Counts_that_want_a_long_code_get_one_within_the_limit(int limit)
    {
        int[] counts = new int[19];
        (int a, int b) = (1, 1);
        for (int i = 0; i < counts.Length; i++) (counts[i], a, b) = (a, b, a + b);
        var code = new HuffmanCode(19, limit);
        code.Build(counts);
        Assert.InRange(code.Lengths.Max(), 1, limit);
        Assert.Equal(1 << limit, code.Lengths.Sum(l => 1 << (limit - l)));
    }

    [Fact]
    public void No_code_begins_with_another()
    {
        var random = new Random(6);
        int[] counts = [.. Enumerable.Range(0, 286).Select(_ => random.Next(3) == 0 ? 0 : random.Next(1, 2000))];
        var code = new HuffmanCode(286, 12);
        code.Build(counts);
        (uint Bits, int Length)[] codes = [.. Enumerable.Range(0, 286).Where(s => counts[s] > 0).Select(s => (code.Codes[s] >> HuffmanCode.CodeShift, (int)(code.Codes[s] & HuffmanCode.LengthMask)))];
        foreach ((uint bits, int length) in codes)
            Assert.Single(codes, c => c.Length >= length && (c.Bits & ((1u << length) - 1)) == bits);
    }

    /// <summary>The sum of inner nodes of a Huffman tree is what its code takes.</summary>
    private static long Shortest(int[] counts)
    {
        var queue = new PriorityQueue<long, long>(counts.Where(c => c > 0).Select(c => ((long)c, (long)c)));
        long sum = 0;
        while (queue.Count > 1)
        {
            long both = queue.Dequeue() + queue.Dequeue();
            sum += both;
            queue.Enqueue(both, both);
        }
        return sum;
    }
}
