using System.Collections.Concurrent;
using System.Diagnostics;
using MessageStore.Messages;

namespace MessageStore.Server.Demo;

/// <summary>Users at work: each stores a message, waits until it is durable, reads another, and notes how long each step took.</summary>
internal sealed class UserLoad(IMessageStore store, DigestBook book, int seed)
{
    public const int Users = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private readonly ConcurrentBag<double> milliseconds = [];
    private long stored;

    public long Stored => stored;

    /// <summary>The time that 99 of 100 steps kept below, in milliseconds.</summary>
    public double P99 => milliseconds.IsEmpty ? 0 : milliseconds.Order().ElementAt((int)(milliseconds.Count * 0.99));

    /// <summary>Works until cancelled.</summary>
    public Task RunAsync(CancellationToken until) => Task.WhenAll(Enumerable.Range(0, Users).Select(user => Task.Run(async () =>
    {
        var mail = new MailGenerator(seed + user, DateTimeOffset.UtcNow, TimeSpan.FromDays(1));
        Guid last = Guid.Empty;
        while (!until.IsCancellationRequested)
        {
            (byte[] message, DateTimeOffset received) = mail.Next(Interlocked.Increment(ref stored));
            using MessageBody body = MessageBody.FromMemory(message);
            long start = Stopwatch.GetTimestamp();
            StoredMessage kept = await store.AppendAsync(new MessageToAppend { Mailbox = $"user{user}@example.com", Body = body, ReceivedDate = received }, CancellationToken.None).ConfigureAwait(false);
            milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            book.Add(kept);
            if (last != Guid.Empty)
            {
                start = Stopwatch.GetTimestamp();
                await DigestBook.DigestAsync(store, last, CancellationToken.None).ConfigureAwait(false);
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            last = kept.Id;
            await Task.Delay(Pause, CancellationToken.None).ConfigureAwait(false);
        }
    }, CancellationToken.None)));
}
