using System.IO.Pipelines;
using MessageStore.Server.Intake;

namespace MessageStore.Server.Tests.Intake;

/// <summary>The waits of a mail session, one after the other.</summary>
public class SessionPipeTests
{
    [Fact]
    public async Task A_wait_that_was_ended_does_not_end_the_next()
    {
        var from = new Pipe();
        var to = new Pipe();
        await using var line = new PipeLine(from.Reader, to.Writer);
        using var pipe = new SessionPipe(line, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        Task<(Arrival Arrival, string Line)> first = pipe.ReadLineAsync(100, TimeSpan.FromMinutes(5), stop.Token).AsTask();
        await stop.CancelAsync();
        Assert.Equal(Arrival.Stopping, (await first).Arrival);
        Assert.Equal(Arrival.Idle, (await pipe.ReadLineAsync(100, TimeSpan.FromMilliseconds(1), CancellationToken.None)).Arrival);
        Task<(Arrival Arrival, string Line)> next = pipe.ReadLineAsync(100, TimeSpan.FromMinutes(5), CancellationToken.None).AsTask();
        Assert.False(next.IsCompleted);
        await from.Writer.WriteAsync("NOOP\r\n"u8.ToArray());
        Assert.Equal((Arrival.Here, "NOOP"), await next);
    }
}
