using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Maintenance;
using MessageStore.Replication;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
    /// <summary>Messages whose keys are asked for with one question.</summary>
    private const int KeysAtATime = 500;

    public async Task<ArchiveRun> ArchiveAsync(ArchiveOptions options, IProgress<RunProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        CheckWorkers(options.Seekers, nameof(options.Seekers));
        CheckWorkers(options.Archivers, nameof(options.Archivers));
        if (options.UsePolicies && Policies().Count == 0)
            throw new MessageStoreException(ErrorIds.NoArchivePolicy, ErrorKind.InvalidArgument,
                "Nothing says what to archive: give criteria, such as -OlderThan, or set a policy once with Set-MessageDatabase -ArchiveOlderThan.", Path);
        using MaintenanceLock turn = MaintenanceLock.Take(database.Storage, Path, MaintenanceTask.Archive, database.Clock);
        return await ArchiveHeldAsync(options, progress, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ArchiveRun> ArchiveHeldAsync(ArchiveOptions options, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        var agent = new ArchiveAgent(Mail.Groups, database.Archive, database.Keys, database.Clock, database.Storage, database.SpoolPath);
        ArchiveRun run = await agent.RunAsync(Path, options, Policies(), progress, cancellationToken).ConfigureAwait(false);
        if (!options.DryRun) new RunRecords(database.Storage, Path).Save("archive", run.Started, run.Id, run);
        return run;
    }

    public async IAsyncEnumerable<ArchiveInfo> ListArchivesAsync(string? mailboxPattern = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach ((StorageGroup group, string name) in MatchingMailboxes(mailboxPattern))
        {
            MailboxInfo mailbox = group.Mailbox(name, out int number);
            if (mailbox.ArchivedMessageCount == 0) continue;
            DateTimeOffset? oldest = null, newest = null;
            foreach (ArchiveKey key in KeysOf(group, number, cancellationToken))
            {
                if (oldest is null || key.StorageDate < oldest) oldest = key.StorageDate;
                if (newest is null || key.StorageDate > newest) newest = key.StorageDate;
            }
            string folder = ArchivePaths.FolderOf(name);
            List<string> files = [.. ArchivePaths.VolumesIn(database.Storage, Mail.ArchivePath, folder).Select(v => ArchivePaths.Resolve(Mail.ArchivePath, v))];
            (GroupRecord Record, RecordNote Note)? block = AdministratorRecords.BlockOn(group, name);
            yield return new ArchiveInfo
            {
                IsBlocked = block is not null,
                BlockedBy = block?.Note.By,
                BlockedSince = block?.Note.Time,
                BlockReason = block?.Note.Reason,
                Mailbox = mailbox.Name,
                Path = System.IO.Path.Combine(Mail.ArchivePath, folder),
                MessageCount = mailbox.ArchivedMessageCount,
                MessageBytes = mailbox.ArchivedBytes,
                FileBytes = files.Sum(database.Storage.FileLength),
                Files = files,
                OldestStorageDate = oldest,
                NewestStorageDate = newest,
            };
        }
    }

    public async IAsyncEnumerable<ArchiveKey> ListKeysAsync(
        Guid? id = null, string? mailboxPattern = null, string? unit = null, DateTimeOffset? dueBefore = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        if (id is { } wanted && !Mail.TryFind(wanted, out _, out _)) throw NoMessage(wanted);
        if (mailboxPattern is not null && !Messages.Wildcard.IsPattern(mailboxPattern)) GroupOf(mailboxPattern);
        string? place = unit == Mail.ArchivePath ? OpenDatabase.ArchiveUnit : unit;
        var query = new KeyQuery { Unit = place, DueAt = dueBefore?.AddTicks(-1) };
        IEnumerable<ArchiveKey> found = id is { } one ? database.Keys.Find(one).Where(query.Matches)
            : place is null && dueBefore is null ? KeysOf(mailboxPattern, cancellationToken)
            : database.Keys.List(query).Where(k => mailboxPattern is null || Messages.Wildcard.Matches(mailboxPattern, k.Mailbox));
        foreach (ArchiveKey key in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Elsewhere than on nodes the record of a message in the store is that of a recalled one, which waits for it to come again.
            if (Mail.TryFind(key.Id, out _, out IndexEntry entry) && (entry.IsArchived || key.Target == NodesArchiveTarget.TargetName)) yield return Place(key);
        }
    }

    private IEnumerable<ArchiveKey> KeysOf(string? mailboxPattern, CancellationToken cancellationToken)
    {
        foreach ((StorageGroup group, string name) in MatchingMailboxes(mailboxPattern))
            if (group.TryFindMailbox(name, out int number))
                foreach (ArchiveKey key in KeysOf(group, number, cancellationToken)) yield return key;
    }

    private IEnumerable<ArchiveKey> KeysOf(StorageGroup group, int mailbox, CancellationToken cancellationToken)
    {
        bool hasNodes = database.Nodes is not null; // there may be copies of messages that are in the store
        foreach (Guid[] ids in group.List(mailbox).Where(e => e.IsArchived || hasNodes).Select(e => e.Id.ToGuid()).Chunk(KeysAtATime))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (ArchiveKey key in database.Keys.Find(ids)) yield return key;
        }
    }

    /// <summary>Keys name the archive folder by a word that stays when it moves; people want to know where it is now.</summary>
    private ArchiveKey Place(ArchiveKey key) => key.Unit == OpenDatabase.ArchiveUnit ? key with { Unit = Mail.ArchivePath, DeletedDate = null } : key;

    private Task<Stream?> OpenArchivedAsync(StorageGroup group, IndexEntry entry, CancellationToken cancellationToken) =>
        OpenCopyAsync(group, entry, database.Archive.OpenAsync, cancellationToken);

    /// <summary>Opens an archived message from the first copy that is whole. Where one was not, the message is queued for repair.</summary>
    /// <returns><see langword="null"/> where the message was recalled or deleted, or its record moved, in the meantime: look again.</returns>
    private async Task<Stream?> OpenCopyAsync(StorageGroup group, IndexEntry entry, Func<ArchiveKey, CancellationToken, ValueTask<Stream>> open, CancellationToken cancellationToken)
    {
        Guid id = entry.Id.ToGuid();
        MessageStoreException? trouble = null;
        bool isDamaged = false;
        IReadOnlyList<ArchiveKey> copies = database.Keys.Find(id);
        foreach (ArchiveKey key in copies.OrderBy(k => database.Nodes?.IsSuspect(k) ?? false))
        {
            try
            {
                Stream body = await open(key, cancellationToken).ConfigureAwait(false);
                if (isDamaged) database.Nodes?.Repairs.Add(id);
                return body;
            }
            catch (MessageStoreException error)
            {
                trouble ??= error;
                isDamaged |= error.ErrorId == ErrorIds.ArchiveDamaged && key.Target == NodesArchiveTarget.TargetName;
            }
        }
        if (!group.TryGet(id, out IndexEntry now) || !now.IsArchived) return null;
        if (!database.Keys.Find(id).SequenceEqual(copies)) return null; // its file was rewritten under our hands
        throw trouble ?? new MessageStoreException(ErrorIds.ArchiveKeyMissing, ErrorKind.Damaged,
            $"Message {id} is archived, but no key says where. Rebuild the keys from the archive files.", id);
    }

    private static void CheckWorkers(int count, string name)
    {
        if (count is < 0 or > 64)
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{name} is {count}; it must be 1 to 64, or 0 to choose from the machine.", count);
    }
}
