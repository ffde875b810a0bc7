using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Maintenance;
using MessageStore.Storage;

namespace MessageStore;

internal sealed partial class EmbeddedMessageStore
{
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

    public async IAsyncEnumerable<ArchiveKey> ListKeysAsync(Guid? id = null, string? mailboxPattern = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        if (id is { } one)
        {
            if (!Mail.TryFind(one, out _, out IndexEntry entry)) throw NoMessage(one);
            if (!entry.IsArchived) yield break; // the record of a recalled message waits for the message to come again
            foreach (ArchiveKey key in database.Keys.Find(one)) yield return Place(key);
            yield break;
        }
        if (mailboxPattern is not null && !Messages.Wildcard.IsPattern(mailboxPattern)) GroupOf(mailboxPattern);
        foreach ((StorageGroup group, string name) in MatchingMailboxes(mailboxPattern))
        {
            if (!group.TryFindMailbox(name, out int number)) continue;
            foreach (ArchiveKey key in KeysOf(group, number, cancellationToken)) yield return Place(key);
        }
    }

    private IEnumerable<ArchiveKey> KeysOf(StorageGroup group, int mailbox, CancellationToken cancellationToken)
    {
        foreach (IndexEntry entry in group.List(mailbox))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!entry.IsArchived) continue;
            foreach (ArchiveKey key in database.Keys.Find(entry.Id.ToGuid())) yield return key;
        }
    }

    /// <summary>Keys name the archive folder by a word that stays when it moves; people want to know where it is now.</summary>
    private ArchiveKey Place(ArchiveKey key) => key.Unit == OpenDatabase.ArchiveUnit ? key with { Unit = Mail.ArchivePath, DeletedDate = null } : key;

    /// <summary>Opens an archived message from the first copy that is whole.</summary>
    /// <returns><see langword="null"/> where the message was recalled or deleted, or its record moved, in the meantime: look again.</returns>
    private async Task<Stream?> OpenArchivedAsync(StorageGroup group, IndexEntry entry, CancellationToken cancellationToken)
    {
        Guid id = entry.Id.ToGuid();
        MessageStoreException? trouble = null;
        IReadOnlyList<ArchiveKey> copies = database.Keys.Find(id);
        foreach (ArchiveKey key in copies.OrderBy(k => database.Nodes?.IsSuspect(k) ?? false))
        {
            try
            {
                Stream body = await database.Archive.OpenAsync(key, cancellationToken).ConfigureAwait(false);
                if (trouble?.ErrorId == ErrorIds.ArchiveDamaged) database.Nodes?.Repairs.Add(id);
                return body;
            }
            catch (MessageStoreException error)
            {
                trouble ??= error;
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
