using System.Collections.Concurrent;
using MessageStore.Backups;

namespace MessageStore.Tests.Backups;

/// <summary>Blocks are worked on side by side and go on in order, on whatever threads.</summary>
public class OrderedPipeTests
{
    private const int Blocks = 200;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocks_go_on_in_the_order_in_which_they_came_and_quiet_work_keeps_none_of_the_pools_threads(bool isQuiet)
    {
        var pool = new BlockPool(8, 16);
        var passed = new List<long>();
        var onPool = new ConcurrentBag<bool>();
        using var firstMayEnd = new ManualResetEventSlim();
        using var pipe = new OrderedPipe("test", block =>
        {
            onPool.Add(Thread.CurrentThread.IsThreadPoolThread);
            if (block.Number == 0) Assert.True(firstMayEnd.Wait(TimeSpan.FromSeconds(120)));
        }, block =>
        {
            passed.Add(block.Number);
            onPool.Add(Thread.CurrentThread.IsThreadPoolThread && isQuiet);
            block.Dispose();
        }, isQuiet);
        for (int i = 0; i < Blocks; i++)
        {
            Block block = pool.Rent(CancellationToken.None);
            block.Number = i;
            pipe.Add(block);
            if (i == 5) firstMayEnd.Set(); // others are there, and with more than one thread they are ready
        }
        pipe.Complete();
        Assert.Equal(Enumerable.Range(0, Blocks).Select(i => (long)i), passed);
        Assert.Equal(!isQuiet, onPool.Contains(true));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failure_reaches_the_caller_and_lets_go_of_all_blocks(bool isQuiet)
    {
        var pool = new BlockPool(4, 16);
        using var pipe = new OrderedPipe("test", block =>
        {
            if (block.Number == 5) throw new InvalidDataException("five");
        }, block => block.Dispose(), isQuiet);
        InvalidDataException failure = Assert.Throws<InvalidDataException>(() =>
        {
            for (int i = 0; i < Blocks; i++)
            {
                Block block = pool.Rent(CancellationToken.None); // would hang with blocks that nobody gives back
                block.Number = i;
                pipe.Add(block);
            }
            pipe.Complete();
        });
        Assert.Equal("five", failure.Message);
    }
}
