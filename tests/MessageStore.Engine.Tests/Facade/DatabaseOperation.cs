using System.Security.Cryptography;
using MessageStore.Backups;
using MessageStore.Keys;
using MessageStore.Storage;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>Somebody's turn in a <see cref="DatabaseRun"/>: random numbers of their own, and mailboxes that nobody else changes.</summary>
internal sealed record Turn(DatabaseRun Run, Random Random, IReadOnlyList<string> Mailboxes)
{
    public IMessageStore Store => Run.Open.Store;

    public MailModel Model => Run.Model;

    public string Mailbox => Mailboxes[Random.Next(Mailboxes.Count)];

    /// <summary>A message of theirs; <see langword="null"/> where the mailbox has none.</summary>
    public ModelMail? Pick() => Model.Of(Mailbox) is { Count: > 0 } mails ? mails[Random.Next(mails.Count)] : null;

    /// <summary>Changes a message of theirs.</summary>
    public async Task<long> ChangeAsync(Func<ModelMail, ModelMail?> change, Func<ModelMail, ModelMail?, Task> carryOut)
    {
        if (Pick() is not { } mail) return 0;
        ModelMail? after = change(mail);
        await Model.ChangeAsync(mail, after, async () =>
        {
            await carryOut(mail, after);
            return mail.Id;
        });
        return 1;
    }
}

/// <summary>
/// What can happen in a <see cref="DatabaseRun"/>. A new operation of the product is a line in one of these tables: what it does to the database, through
/// <see cref="MailModel"/> where it changes what users see.
/// </summary>
/// <param name="Weight">How often, beside the others of its table.</param>
/// <param name="RunAsync">Carries it out and returns how much came of it: messages, segments, transactions. An operation of which nothing ever comes is not tested.</param>
internal sealed record DatabaseOperation(string Name, int Weight, Func<Turn, Task<long>> RunAsync)
{
    /// <summary>How many turns each writer has beside it. A backup has begun to copy images only after a checkpoint.</summary>
    public int WritersTurns { get; init; } = 7;

    private static readonly string[] Folders = ["Inbox", "Work", "Sent"];

    /// <summary>What users do, each in mailboxes of their own.</summary>
    public static IReadOnlyList<DatabaseOperation> OfWriters { get; } =
    [
        new("append", 40, AppendAsync),
        new("flags", 15, t => t.ChangeAsync(m => m with { Flags = (MessageFlags)t.Random.Next(16) }, (m, after) => t.Store.SetFlagsAsync(m.Id, after!.Flags, m.Flags & ~after.Flags))),
        new("move", 10, t => t.ChangeAsync(m => m with { Folder = Folders[t.Random.Next(Folders.Length)] }, (m, after) => t.Store.MoveAsync(m.Id, after!.Folder))),
        new("delete", 12, t => t.ChangeAsync(_ => null, (m, _) => t.Store.DeleteAsync(m.Id))),
        new("read", 15, ReadAsync),
        new("remove mailbox", 1, RemoveMailboxAsync),
    ];

    /// <summary>What goes on beside users.</summary>
    public static IReadOnlyList<DatabaseOperation> OfUpkeep { get; } =
    [
        new("nothing", 10, _ => Task.FromResult(1L)),
        new("archive", 12, t => ArchiveAsync(t, new ArchiveOptions { Before = DateTimeOffset.MaxValue, ReadState = (ReadState)t.Random.Next(3), MinimumSize = t.Random.Next(2000) })),
        new("archive what is to go soon", 4, t => ArchiveAsync(t, new ArchiveOptions { Before = DateTimeOffset.MaxValue, MinimumSize = 200, Mailboxes = [$"user{t.Random.Next(3)}*"], RetainFor = DatabaseRun.Retention })),
        new("recall", 6, RecallAsync),
        new("reclaim", 3, ReclaimAsync),
        new("checkpoint", 6, t => OneAsync(() => t.Run.AnyGroup(t.Random).Checkpoint(CancellationToken.None))),
        new("compact", 6, CompactAsync),
        new("compact keys", 3, t => OneAsync(t.Run.Open.Database.KeyJournal!.Compact)),
        new("back up", 8, t => t.Run.BackUpAsync(isQuiet: false)) { WritersTurns = 40 },
        new("back up what is new", 8, t => t.Run.BackUpAsync(isQuiet: false, BackupKind.Incremental)) { WritersTurns = 40 },
        new("drill", 6, DrillAsync),
        new("list", 4, ListAsync),
    ];

    /// <summary>The archive agent and what undoes its work.</summary>
    public static IReadOnlyList<DatabaseOperation> OfArchive { get; } = [.. OfUpkeep.Where(o => o.Name is "archive" or "recall" or "reclaim")];

    /// <summary>What needs the database to itself.</summary>
    public static IReadOnlyList<DatabaseOperation> OfQuietTimes { get; } =
    [
        new("reopen", 6, t => t.Run.ReopenAsync()),
        new("back up while nobody writes", 6, t => t.Run.BackUpAsync(isQuiet: true)),
        new("restore to a new place, with the logs", 3, t => t.Run.RestoreAsync(inPlace: false)),
        new("restore in place", 3, t => t.Run.RestoreAsync(inPlace: true)),
        new("restore what a backup holds", 6, t => t.Run.CompareBackupAsync()),
        new("expire", 4, t => t.Run.ExpireAsync()),
    ];

    public static DatabaseOperation Choose(IReadOnlyList<DatabaseOperation> table, Random random)
    {
        int at = random.Next(table.Sum(o => o.Weight));
        return table.First(o => (at -= o.Weight) < 0);
    }

    private static async Task<long> AppendAsync(Turn turn)
    {
        int size = turn.Run.WithLargeMessages && turn.Random.Next(15) == 0 ? (1 << 20) + turn.Random.Next(1 << 20) : turn.Random.Next(4) == 0 ? turn.Random.Next(6000) : turn.Random.Next(600);
        await turn.Run.Open.AppendAsync(turn.Model, turn.Mailbox, Folders[turn.Random.Next(Folders.Length)], (MessageFlags)turn.Random.Next(16), MemoryDatabase.Body(turn.Random, size));
        return 1;
    }

    private static Task<long> OneAsync(Action what) => Task.Run(() =>
    {
        what();
        return 1L;
    });

    private static async Task<long> ArchiveAsync(Turn turn, ArchiveOptions options) => (await turn.Store.ArchiveAsync(options)).Moved;

    /// <summary>A message is readable at every moment, whatever upkeep does with it.</summary>
    private static async Task<long> ReadAsync(Turn turn)
    {
        if (turn.Pick() is not { } mail) return 0;
        await using Stream body = await turn.Store.OpenReadAsync(mail.Id);
        if (Convert.ToHexStringLower(await SHA256.HashDataAsync(body)) != mail.Sha256) throw new InvariantException($"Message {mail.Id} was read with other bytes than were stored.");
        return 1;
    }

    private static async Task<long> RemoveMailboxAsync(Turn turn)
    {
        string mailbox = turn.Mailbox;
        List<ModelMail> mails = turn.Model.Of(mailbox);
        if (mails.Count > 0) await turn.Model.RemoveAsync(mails, () => turn.Store.RemoveMailboxAsync(mailbox));
        return mails.Count;
    }

    private static async Task<long> CompactAsync(Turn turn)
    {
        long rewritten = 0;
        await foreach (StorageGroupOptimization done in turn.Store.OptimizeAsync(new OptimizeOptions { MinimumDeadShare = 0.1 }))
        {
            if (done.Damaged > 0) throw new InvariantException($"Compaction calls {done.Damaged} messages damaged.");
            rewritten += done.SegmentsRewritten;
        }
        return rewritten;
    }

    /// <summary>Brings some users' mail back; a message may be deleted under the recall's hands.</summary>
    private static async Task<long> RecallAsync(Turn turn)
    {
        long recalled = 0;
        var query = new MessageQuery { Mailbox = turn.Random.Next(2) == 0 ? null : $"user{turn.Random.Next(3)}*" };
        await foreach (MessageRecall one in turn.Store.RecallAsync(query))
        {
            if (one.ErrorId.Length == 0) recalled++;
            else if (one.ErrorId is not (ErrorIds.MessageNotFound or ErrorIds.MailboxNotFound) && !turn.Run.IsTroubled) throw new InvariantException($"Message {one.Id} cannot be recalled: {one.Reason}");
        }
        return recalled;
    }

    /// <summary>Gives up the records of what users deleted. What only they hold, an older backup does not bring back any more.</summary>
    private static async Task<long> ReclaimAsync(Turn turn)
    {
        // What is due is left for the time when nobody writes: here it would be deleted under its user's hands.
        if (turn.Run.HasDue) return 0;
        turn.Run.ForgetQuietBackups();
        ExpiryRun run = await turn.Store.ExpireAsync(new ExpiryOptions { KeepDeletedFor = TimeSpan.Zero, MinimumDeadShare = turn.Random.Next(2) * 0.2 });
        // A tail that an interrupted run of the archive agent left in a file is for the agent's next run to take over: until then the file stays as it is.
        if (run.Receipts.FirstOrDefault(r => r.Failed > 0 && !r.Reason.Contains("left by an interrupted run", StringComparison.Ordinal)) is { } refused && !turn.Run.IsTroubled)
            throw new InvariantException($"Records cannot be given up: {refused.Reason}");
        return run.Reclaimed;
    }

    private static Task<long> DrillAsync(Turn turn) => Task.Run(() =>
    {
        if (turn.Run.Backups.Count == 0) return 0L;
        BackupDrill drill = new BackupDrillRunner(turn.Run.Storage, turn.Run.Clock, null).Run(turn.Run.Backups[^1], "/scratch", null, CancellationToken.None);
        // A device that goes away under the drill's scratch folder proves nothing either way.
        if (drill.Result == DrillResult.Failed && !turn.Run.IsTroubled) throw new InvariantException($"The drill of a complete backup fails: {drill.Reason}");
        return drill.Result == DrillResult.Verified ? 1 : 0;
    });

    private static async Task<long> ListAsync(Turn turn)
    {
        var seen = new HashSet<Guid>();
        await foreach (StoredMessage message in turn.Store.ListAsync(new MessageQuery()))
            if (!seen.Add(message.Id)) throw new InvariantException($"Message {message.Id} was listed twice.");
        return seen.Count;
    }
}
