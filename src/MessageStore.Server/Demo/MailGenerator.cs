using System.Globalization;
using System.Text;
using MessageStore.Messages;

namespace MessageStore.Server.Demo;

/// <summary>
/// Makes any number of messages from the samples that ship with the engine: same bodies, new senders, dates, subjects and Message-IDs. The same seed makes
/// the same mail.
/// </summary>
internal sealed class MailGenerator
{
    private static readonly string[] Words =
        ["invoice", "meeting", "report", "lunch", "release", "contract", "holiday", "server", "draft", "question", "answer", "budget", "project", "photo", "reminder"];

    private readonly List<byte[]> bodies = [];
    private readonly Random random;
    private readonly DateTimeOffset newest;
    private readonly TimeSpan span;

    /// <param name="newest">Date of the newest message.</param>
    /// <param name="span">How far back dates go.</param>
    public MailGenerator(int seed, DateTimeOffset newest, TimeSpan span)
    {
        random = new Random(seed);
        this.newest = newest;
        this.span = span;
        foreach (SourceMessage sample in SampleMail.Open())
        {
            using MessageBody body = sample.Body;
            byte[] bytes = body.Head.ToArray();
            int blank = bytes.AsSpan().IndexOf("\n\n"u8);
            bodies.Add(blank < 0 ? bytes : bytes[(blank + 2)..]);
        }
    }

    /// <summary>The next message and when it was received.</summary>
    public (byte[] Message, DateTimeOffset Received) Next(long number)
    {
        DateTimeOffset received = newest - TimeSpan.FromTicks((long)(random.NextDouble() * span.Ticks));
        received = new DateTimeOffset(received.Ticks - received.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero); // mbox keeps seconds
        byte[] body = bodies[random.Next(bodies.Count)];
        string head = string.Create(CultureInfo.InvariantCulture, $"""
            From: {Word()} <{Word()}{random.Next(1000)}@example.com>
            To: {Word()}@example.org
            Subject: {Word()} {Word()} {number}
            Date: {received:ddd, dd MMM yyyy HH:mm:ss} +0000
            Message-ID: <{number}.{random.NextInt64():x}@demo.example>


            """).ReplaceLineEndings("\n");
        byte[] message = new byte[Encoding.ASCII.GetByteCount(head) + body.Length];
        body.CopyTo(message, Encoding.ASCII.GetBytes(head, message));
        return (message, received);
    }

    private string Word() => Words[random.Next(Words.Length)];
}
