namespace MessageStore.Keys;

/// <summary>
/// Keys that were read lately, by where they lie in a journal. What lies in a journal never changes, and another key of the same message lies elsewhere: so nothing here is ever out of date, only
/// forgotten. Thread-safe.
/// </summary>
internal sealed class RecentKeys
{
    private const int SlotBits = 11;

    private readonly Entry?[] slots = new Entry?[1 << SlotBits];

    public ArchiveKey? Find(uint position) => Volatile.Read(ref slots[SlotOf(position)]) is { } found && found.Position == position ? found.Key : null;

    public void Add(uint position, ArchiveKey key) => Volatile.Write(ref slots[SlotOf(position)], new Entry(position, key));

    private static int SlotOf(uint position) => (int)(position * 0x9E3779B1u >> (32 - SlotBits));

    private sealed record Entry(uint Position, ArchiveKey Key);
}
