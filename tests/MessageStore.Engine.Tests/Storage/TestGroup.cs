using MessageStore.IO;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>A storage group for tests: where it lies, how it is opened, and whether it holds what the model says.</summary>
internal static class TestGroup
{
    public const uint Salt = 0x5EED_1234;

    public static readonly GroupIdentity Identity = new(new Guid("0193e6a0-0000-7000-8000-000000000001"), "First", Salt);

    /// <summary>
    /// Everything small, so that a short run rolls segments and rotates logs many times; no checkpoint but those asked for, and no frame at closing, so that
    /// sequence numbers are those of the workload.
    /// </summary>
    public static GroupOptions Small { get; } = new()
    {
        SegmentLimit = 24 << 10, LogFileLimit = 12 << 10, LogAheadBytes = 4 << 10, CheckpointLogBytes = long.MaxValue, CloseReplayBytes = long.MaxValue,
        VouchAtClose = false,
    };

    public static string Store(string root = "/db") => Path.Combine(root, "store", "first");

    public static string Log(string root = "/db") => Path.Combine(root, "logs", "first");

    public static void Create(IStorage storage, string root = "/db", GroupOptions? options = null)
    {
        storage.CreateFolder(root);
        StorageGroup.Create(storage, Identity, options ?? Small, Store(root), Log(root));
        storage.FlushFolder(root);
        if (Path.GetDirectoryName(root) is { } parent) storage.FlushFolder(parent);
    }

    public static StorageGroup Open(IStorage storage, string root = "/db", GroupOptions? options = null) =>
        StorageGroup.Open(storage, Identity, options ?? Small, Store(root), Log(root));

    /// <summary>What a crash left is opened, compared with the workload, closed, and opened again.</summary>
    public static void Recover(MemoryStorage survivor, GroupOptions options, Workload workload)
    {
        int lsn;
        using (StorageGroup first = Open(survivor, options: options))
        {
            survivor.BeforeChange = null;
            if (first.ClosedForWriting is { } closed) throw closed;
            lsn = workload.Check(first);
        }
        using StorageGroup reopened = Open(survivor, options: options);
        if (workload.Check(reopened) != lsn) throw new InvariantException("A second opening found something else than the first.");
    }

    /// <summary>Compares everything that the group shows with the model; throws where they differ.</summary>
    public static void Verify(StorageGroup group, StoreModel model, bool bodies = true)
    {
        Same([.. model.Mailboxes.Values.Select(m => m.Name).Order()], [.. group.MailboxNames().Order()], "mailboxes");
        foreach (ModelMailbox mailbox in model.Mailboxes.Values)
        {
            MailboxInfo info = group.Mailbox(mailbox.Name, out int number);
            Same(mailbox.Number, number, "mailbox number");
            Same(mailbox.Folders, info.Folders.Select(f => f.Name), "folders");
            Same(mailbox.Order.Count, (int)info.MessageCount, $"message count of {mailbox.Name}");
            for (int f = 0; f < mailbox.Folders.Count; f++)
                Same(mailbox.Order.Count(id => model.Messages[id].Folder == f), (int)info.Folders[f].MessageCount, "messages of a folder");
            Same(mailbox.Order.Sum(id => (long)model.Messages[id].Body.Length), info.HotBytes, "hot bytes");
            IndexEntry[] entries = [.. group.List(number)];
            Same(mailbox.Order, entries.Select(e => e.Id.ToGuid()), "order of messages");
            foreach (IndexEntry entry in entries) VerifyMessage(group, model.Messages[entry.Id.ToGuid()], entry, bodies);
        }
        Same(model.Digest(), group.StateDigest.Digest, "state digest");
        Same(model.Messages.Count, (int)group.GetStatus().MessageCount, "messages of the group");
        Same(0L, Math.Min(0, group.GetStatus().DeadBytes), "dead bytes are not negative");
    }

    private static void VerifyMessage(StorageGroup group, ModelMessage message, in IndexEntry entry, bool bodies)
    {
        Same(message.Folder, entry.Folder, "folder");
        Same(message.Flags, entry.Flags & ~EntryFlags.InUse, "flags");
        Same(message.ReceivedTicks, entry.ReceivedTicks, "received date");
        Same(message.Body.Length, entry.Length, "length");
        if (!group.TryGet(message.Id, out IndexEntry found) || !found.Equals(entry)) throw new InvariantException($"Message {message.Id} is listed but not found by its Id.");
        if (!bodies) return;
        Same(message.Subject, group.ReadSummary(entry)!.Value.Summary.Subject, "subject");
        if (!message.Body.AsSpan().SequenceEqual(ReadBody(group, entry))) throw new InvariantException($"Message {message.Id} has other bytes than were stored.");
    }

    public static byte[] ReadBody(StorageGroup group, in IndexEntry entry)
    {
        using Stream body = group.OpenBody(entry)!;
        byte[] bytes = new byte[entry.Length];
        int total = 0, read;
        while ((read = body.Read(bytes.AsSpan(total))) > 0) total += read;
        if (total != bytes.Length || body.Read(new byte[1]) != 0) throw new InvariantException("The body's length is wrong.");
        return bytes;
    }

    private static void Same<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new InvariantException($"{what}: expected {expected}, found {actual}");
    }

    private static void Same<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what)
    {
        if (!expected.SequenceEqual(actual)) throw new InvariantException($"{what}: expected [{string.Join(", ", expected)}], found [{string.Join(", ", actual)}]");
    }
}
