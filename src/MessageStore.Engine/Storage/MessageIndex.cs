namespace MessageStore.Storage;

/// <summary>
/// What lies where, in memory: entries by Id, each mailbox's messages in order of arrival, mailboxes and folders, and the state digest. Changed only by
/// the group's committer applying transactions; every member is called with <see cref="Gate"/> held.
/// </summary>
internal sealed partial class MessageIndex
{
    private readonly EntryPages pages = new();
    private readonly IdTable ids;
    private readonly Dictionary<string, MailboxState> byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly SortedDictionary<int, MailboxState> byNumber = [];
    private readonly Stack<int> free = [];
    private readonly List<int> quarantine = [];
    private int activeListings;

    public MessageIndex() => ids = new IdTable(pages);

    public Lock Gate { get; } = new();

    public EntryPages Pages => pages;

    /// <summary>Sum of all state hashes (docs/format-segment.md).</summary>
    public UInt128 Digest { get; private set; }

    public long MessageCount { get; private set; }
    public long ArchivedCount { get; private set; }
    public long HotBytes { get; private set; }
    public long ArchivedBytes { get; private set; }

    /// <summary>Who is told of messages that come and go.</summary>
    public IMessageObserver? Observer { get; set; }

    public IReadOnlyDictionary<int, MailboxState> Mailboxes => byNumber;

    public int NextMailboxNumber { get; private set; } = 1;

    public MailboxState? FindMailbox(string name) => byName.GetValueOrDefault(name);

    public MailboxState? FindMailbox(int number) => byNumber.GetValueOrDefault(number);

    public int Find(UInt128Bytes id) => ids.Find(id);

    public ref readonly IndexEntry Entry(int slot) => ref pages[slot];

    public void AddMailbox(int number, string name)
    {
        if (byNumber.ContainsKey(number)) return;
        var mailbox = new MailboxState(number, name);
        byNumber.Add(number, mailbox);
        byName.Add(name, mailbox);
        NextMailboxNumber = Math.Max(NextMailboxNumber, number + 1);
        Digest += StateDigest.OfName(number, ushort.MaxValue, name);
        AddFolder(number, 0, StoreLimits.Inbox);
    }

    public void AddFolder(int mailboxNumber, int number, string name)
    {
        if (FindMailbox(mailboxNumber) is not { } mailbox || number != mailbox.Folders.Count) return;
        mailbox.Folders.Add(new FolderState(name));
        Digest += StateDigest.OfName(mailboxNumber, (ushort)number, name);
    }

    /// <summary>Removes a mailbox that is empty by now.</summary>
    public void RemoveMailbox(int number)
    {
        if (!byNumber.Remove(number, out MailboxState? mailbox)) return;
        byName.Remove(mailbox.Name);
        Digest -= StateDigest.OfName(number, ushort.MaxValue, mailbox.Name);
        for (int folder = 0; folder < mailbox.Folders.Count; folder++)
            Digest -= StateDigest.OfName(number, (ushort)folder, mailbox.Folders[folder].Name);
    }

    /// <summary>Adds a message at the end of its mailbox.</summary>
    public void Add(IndexEntry entry)
    {
        MailboxState mailbox = byNumber[entry.Mailbox];
        int slot = free.TryPop(out int reused) ? reused : pages.Extend();
        entry.Flags |= EntryFlags.InUse;
        entry.Next = -1;
        entry.Previous = mailbox.Last;
        pages.Mutable(slot) = entry;
        if (mailbox.Last >= 0) pages.Mutable(mailbox.Last).Next = slot;
        else mailbox.First = slot;
        mailbox.Last = slot;
        ids.Add(entry.Id, slot);
        Count(entry, mailbox, 1);
        Observer?.Added(slot);
    }

    /// <summary>Replaces what is known of a message; Id, mailbox and place in the order stay.</summary>
    public void Update(int slot, IndexEntry entry)
    {
        ref IndexEntry current = ref pages.Mutable(slot);
        MailboxState mailbox = byNumber[current.Mailbox];
        Count(current, mailbox, -1);
        entry.Next = current.Next;
        entry.Previous = current.Previous;
        entry.Flags |= EntryFlags.InUse;
        current = entry;
        Count(entry, mailbox, 1);
    }

    public void Remove(int slot)
    {
        ref IndexEntry entry = ref pages.Mutable(slot);
        MailboxState mailbox = byNumber[entry.Mailbox];
        Count(entry, mailbox, -1);
        ids.Remove(entry.Id);
        if (entry.Previous >= 0) pages.Mutable(entry.Previous).Next = entry.Next;
        else mailbox.First = entry.Next;
        if (entry.Next >= 0) pages.Mutable(entry.Next).Previous = entry.Previous;
        else mailbox.Last = entry.Previous;
        entry.Flags = EntryFlags.None;
        Observer?.Removed(slot);
        // A listing that stands on this slot still follows its Next, so the slot must not be used again before the listing ends.
        if (activeListings > 0) quarantine.Add(slot);
        else free.Push(slot);
    }

    public void BeginListing() => activeListings++;

    public void EndListing()
    {
        if (--activeListings > 0) return;
        foreach (int slot in quarantine) free.Push(slot);
        quarantine.Clear();
    }

    private void Count(in IndexEntry entry, MailboxState mailbox, int sign)
    {
        mailbox.Count(entry, sign);
        MessageCount += sign;
        if (entry.IsArchived)
        {
            ArchivedCount += sign;
            ArchivedBytes += sign * (long)entry.Length;
        }
        else
        {
            HotBytes += sign * (long)entry.Length;
        }
        Digest = sign > 0 ? Digest + entry.StateHash() : Digest - entry.StateHash();
    }

    /// <summary>After all pages are loaded from a snapshot: finds the Ids again and counts.</summary>
    public void Rebuild(UInt128 digest)
    {
        for (int slot = 0; slot < pages.SlotLimit; slot++)
        {
            ref readonly IndexEntry entry = ref pages[slot];
            if (!entry.IsInUse)
            {
                free.Push(slot);
                continue;
            }
            ids.Add(entry.Id, slot);
            Count(entry, byNumber[entry.Mailbox], 1);
        }
        if (Digest != digest) throw new FormatException("The state digest of the loaded index differs from the recorded one.");
    }
}
