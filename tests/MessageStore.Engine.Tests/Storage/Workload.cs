using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Storage;

/// <summary>
/// Seeded rounds of transactions against one group. A round is handed in at once and becomes one group commit, so that the same seed does the same
/// operations on the storage in the same order, although a thread of its own does them.
/// </summary>
internal sealed class Workload(int seed, bool withLargeMessages = false)
{
    private static readonly string[] Names = ["ada", "grace", "edsger", "barbara", "tony"];

    private readonly Random random = new(seed);
    private readonly Queue<Step> largeParts = new();
    private int made;

    /// <summary>The salt of the group.</summary>
    public uint Salt { get; init; } = TestGroup.Salt;

    /// <summary>
    /// Whether mailboxes and folders come and go. Their numbers follow from those before them, so it is <see langword="false"/> where one transaction may be refused
    /// while the next is on its way already.
    /// </summary>
    public bool WithNames { get; init; } = true;

    /// <summary>What was acknowledged, in the order of the log: the n-th is LSN n.</summary>
    public List<Step> Acknowledged { get; private set; } = [];

    /// <summary>What was handed in and has no answer yet, or an answer that leaves it open (the group closed).</summary>
    public List<Step> Doubtful { get; private set; } = [];

    /// <summary>The model after the first <paramref name="count"/> transactions of all that may be in the log.</summary>
    public StoreModel ModelAt(int count)
    {
        var model = new StoreModel();
        foreach (Step step in Acknowledged.Concat(Doubtful).Take(count)) step.Effect(model);
        return model;
    }

    public StoreModel Model => ModelAt(Acknowledged.Count);

    /// <summary>How many transactions are acknowledged at this moment, those of a round under way included.</summary>
    public int AcknowledgedNow => Acknowledged.Count + Doubtful.Count(s => s.IsAcknowledged);

    /// <summary>One round: hands it in, waits, and notes what came of it.</summary>
    /// <returns>The error it ended with.</returns>
    public MessageStoreException? Round(StorageGroup group, int size = 5) => Submit(group, Several(Model, size));

    /// <summary>
    /// Transactions that come in while others are under way: with each flush of the committer, some more are handed in, until there were
    /// <paramref name="count"/>. It is the committer's own thread that hands them in, in the middle of its flush, so that the same seed gathers the same group commits.
    /// </summary>
    /// <param name="count">At least so many transactions.</param>
    public void RunConcurrently(MemoryStorage storage, StorageGroup group, int count)
    {
        string committer = $"committer {group.Name}";
        storage.Interleave = kind =>
        {
            if (kind == StorageOperations.Flush && count > 0 && Thread.CurrentThread.Name == committer) HandIn();
        };
        HandIn();
        // Beginning a new log file flushes too, after the answers: only when the committer rests and nobody waits has the last one come.
        do
        {
            while (Doubtful.Find(s => !s.Transaction.Committed.IsCompleted) is { } waiting) Task.WhenAny(waiting.Transaction.Committed).GetAwaiter().GetResult();
            Rest(group);
        }
        while (Doubtful.Exists(s => !s.Transaction.Committed.IsCompleted));
        storage.Interleave = null;
        // What was refused is not in the log for certain; what the closing of the group overtook may be.
        List<Step> all = Doubtful.FindAll(s => s.IsAcknowledged || s.IsInDoubt);
        int acknowledged = all.FindLastIndex(s => s.IsAcknowledged) + 1;
        if (all.Take(acknowledged).Any(s => s.IsInDoubt)) throw new InvariantException("A later transaction was acknowledged, and an earlier one is in doubt.");
        Acknowledged = [.. Acknowledged, .. all.Take(acknowledged)];
        Doubtful = all[acknowledged..];
        largeParts.Clear();

        void HandIn()
        {
            StoreModel model = ModelAt(int.MaxValue);
            List<Step> steps = Several(model, 8);
            count -= steps.Count;
            Doubtful = [.. Doubtful, .. steps];
            _ = group.CommitAsync([.. steps.Select(s => s.Transaction)]);
        }
    }

    /// <summary>Hands in steps of the caller's choice as one round.</summary>
    public MessageStoreException? Submit(StorageGroup group, IReadOnlyList<Step> steps)
    {
        Doubtful = [.. steps];
        try
        {
            try
            {
                group.CommitAsync([.. steps.Select(s => s.Transaction)]).GetAwaiter().GetResult();
            }
            finally
            {
                Rest(group);
            }
            Acknowledged = [.. Acknowledged, .. Doubtful];
            Doubtful = [];
            return null;
        }
        catch (MessageStoreException error)
        {
            if (steps.Any(s => s.IsAcknowledged)) throw new InvariantException("A group commit was acknowledged in part.", error);
            largeParts.Clear();
            if (group.ClosedForWriting is null) Doubtful = [];
            return error;
        }
    }

    /// <summary>Waits until the committer has done what comes after the answers, such as rotating: the next operation on the disk is ours again.</summary>
    private static void Rest(StorageGroup group) => group.QuiesceAsync().GetAwaiter().GetResult();

    /// <summary>After a reopening: the group says how much of the doubtful there is.</summary>
    public void Settle(StorageGroup group)
    {
        int count = Check(group);
        Acknowledged = [.. Acknowledged.Concat(Doubtful).Take(count)];
        Doubtful = [];
        largeParts.Clear();
    }

    /// <summary>Checks a recovered group: everything acknowledged is there, nothing half, nothing out of order.</summary>
    /// <returns>The number of transactions it holds.</returns>
    public int Check(StorageGroup group)
    {
        int lsn = (int)group.LastLsn;
        int acknowledged = AcknowledgedNow, known = Acknowledged.Count + Doubtful.Count;
        if (lsn < acknowledged) throw new InvariantException($"Acknowledged transactions are lost: {acknowledged} were, the group ends at {lsn}.");
        if (lsn > known) throw new InvariantException($"The group ends at {lsn} although only {known} transactions were ever handed in or had not failed.");
        TestGroup.Verify(group, ModelAt(lsn));
        return lsn;
    }

    private List<Step> Several(StoreModel model, int size)
    {
        var steps = new List<Step>();
        for (int i = random.Next(1, size + 1); i > 0; i--)
        {
            foreach (Step step in Next(model))
            {
                step.Effect(model);
                steps.Add(step);
            }
        }
        return steps;
    }

    private IEnumerable<Step> Next(StoreModel model)
    {
        int choice = random.Next(WithNames ? 0 : 11, 100);
        if (model.Mailboxes.Count == 0 || (choice < 6 && model.Mailboxes.Count < Names.Length))
        {
            string name = Names.First(n => model.Mailboxes.Values.All(m => m.Name != n));
            return [Step.CreateMailbox(Salt, model.NextMailbox, name)];
        }
        ModelMailbox mailbox = Pick(model.Mailboxes.Values);
        if (choice < 10) return [Step.CreateFolder(Salt, mailbox.Number, mailbox.Folders.Count, $"folder {mailbox.Folders.Count}")];
        if (choice == 10) return [Step.RemoveMailbox(Salt, mailbox.Number)];
        if (choice == 11) return [Step.BackedUp(Salt, Guid.NewGuid(), (ulong)Acknowledged.Count)];
        if (largeParts.Count > 0 && choice < 50) return [largeParts.Dequeue()];
        if (choice < 60 || model.Messages.Count == 0) return Append(mailbox);
        Guid id = Pick(model.Messages.Keys);
        if (choice < 70) return [Step.Flag(Salt, id, (EntryFlags)random.Next(16))];
        if (choice < 80) return [Step.Move(Salt, id, (ushort)random.Next(model.Mailboxes[model.Messages[id].Mailbox].Folders.Count))];
        if (choice < 84) return [Step.Tag(Salt, random.Next(2) == 0, [id, Pick(model.Messages.Keys)])];
        return [Step.Delete(Salt, id)];
    }

    private IReadOnlyList<Step> Append(ModelMailbox mailbox)
    {
        bool large = withLargeMessages && largeParts.Count == 0 && random.Next(5) == 0;
        int length = large ? (1 << 20) + random.Next(1 << 20) : random.Next(4) switch { 0 => 0, 1 => random.Next(64), 2 => random.Next(1500), _ => random.Next(6000) };
        IReadOnlyList<Step> steps = Step.Append(Salt, NewMessage(mailbox, length));
        if (steps.Count == 1) return steps;
        foreach (Step part in steps.Skip(1)) largeParts.Enqueue(part);
        return [steps[0]];
    }

    public ModelMessage NewMessage(ModelMailbox mailbox, int length)
    {
        byte[] body = new byte[length];
        random.NextBytes(body);
        byte[] id = new byte[16];
        random.NextBytes(id);
        made++;
        return new ModelMessage(new Guid(id), mailbox.Number, (ushort)random.Next(mailbox.Folders.Count), (EntryFlags)random.Next(16),
            DateTime.UnixEpoch.Ticks + made, $"message {made}", body);
    }

    private T Pick<T>(IReadOnlyCollection<T> from) => from.ElementAt(random.Next(from.Count));
}
