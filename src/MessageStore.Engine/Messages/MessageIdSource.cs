using System.Buffers.Binary;

namespace MessageStore.Messages;

/// <summary>
/// Makes message Ids: UUIDv7 (RFC 9562 §5.7) whose 12 bits behind the millisecond count up (§6.2, method 1), so that Ids made by one process sort in the order
/// in which they were made, even when the clock stands still or goes back.
/// </summary>
internal sealed class MessageIdSource(TimeProvider clock, Random random)
{
    private const int CounterLimit = 0x1000;

    private readonly Lock gate = new();
    private long lastMillisecond;
    private int counter;

    public Guid Next()
    {
        long millisecond;
        int sequence;
        ulong tail;
        lock (gate)
        {
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            if (now > lastMillisecond)
            {
                lastMillisecond = now;
                counter = 0;
            }
            else if (++counter == CounterLimit)
            {
                lastMillisecond++; // ahead of the clock by as little as it takes
                counter = 0;
            }
            (millisecond, sequence) = (lastMillisecond, counter);
            tail = (ulong)random.NextInt64(1L << 62);
        }
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)millisecond << 16) | 0x7000 | (uint)sequence);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], 0x8000_0000_0000_0000 | tail);
        return new Guid(bytes, bigEndian: true);
    }
}
