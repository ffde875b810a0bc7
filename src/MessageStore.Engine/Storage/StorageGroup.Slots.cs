namespace MessageStore.Storage;

/// <summary>The index by slots, for those who keep something beside it for each message.</summary>
internal sealed partial class StorageGroup
{
    /// <summary>Held by whoever reads slots; the committer waits meanwhile, so hold it for microseconds.</summary>
    public Lock SlotGate => index.Gate;

    /// <summary>One more than the highest slot ever used. With <see cref="SlotGate"/> held.</summary>
    public int SlotLimit => index.Pages.SlotLimit;

    /// <summary>Messages of the group. With <see cref="SlotGate"/> held.</summary>
    public long MessageCount => index.MessageCount;

    /// <summary>Archived messages of a mailbox by number; 0 where it is gone.</summary>
    public long ArchivedCount(int mailbox)
    {
        lock (index.Gate) return index.FindMailbox(mailbox)?.ArchivedCount ?? 0;
    }

    /// <summary>Has somebody told of messages that come and go; who was told before is not any more.</summary>
    public void Observe(IMessageObserver? observer)
    {
        lock (index.Gate) index.Observer = observer;
    }

    /// <summary>The entry of a slot, which may hold no message. With <see cref="SlotGate"/> held.</summary>
    public ref readonly IndexEntry EntryAt(int slot) => ref index.Entry(slot);

    /// <summary>The slot of a message; -1 where the group has none of this Id. With <see cref="SlotGate"/> held.</summary>
    public int SlotOf(UInt128Bytes id) => index.Find(id);

    /// <summary>From now on no slot is used again for another message, until the result is disposed.</summary>
    public IDisposable HoldSlots()
    {
        lock (index.Gate) index.BeginListing();
        return new SlotHold(index);
    }

    private sealed class SlotHold(MessageIndex index) : IDisposable
    {
        private int released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref released, 1) != 0) return;
            lock (index.Gate) index.EndListing();
        }
    }
}
