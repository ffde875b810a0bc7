using System.Runtime.CompilerServices;
using MessageStore.Archiving;
using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore;

/// <summary>A database open in this process, seen by one of those who opened it.</summary>
internal sealed partial class EmbeddedMessageStore(OpenDatabase database) : IMessageStore
{
    private int disposed;

    public string Path => database.Path;

    internal OpenDatabase Database => database;

    private MailDatabase Mail => database.Mail;

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0) await database.ReleaseAsync().ConfigureAwait(false);
    }

    public Task<DatabaseStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        var groups = new List<StorageGroupStatus>();
        var backups = new KnownBackups(database.Storage, Mail, database.Clock);
        groups.AddRange(Mail.Groups.Select(g => backups.Refine(g.GetStatus(), g.LastBackup)));
        groups.AddRange(Mail.FailedGroups.Select(f => new StorageGroupStatus { Name = f.Settings.Name, State = StorageState.Failed, Reason = f.Reason.Message }));
        groups.Sort((a, b) => string.Compare(a.Name, b.Name, StringComparison.OrdinalIgnoreCase));
        return Task.FromResult(new DatabaseStatus
        {
            Path = Mail.Path,
            DatabaseId = Mail.Settings.DatabaseId,
            State = groups.Max(g => g.State),
            StorePath = Mail.StorePath,
            LogPath = Mail.LogPath,
            BackupPath = Mail.BackupPath,
            ArchivePath = Mail.ArchivePath,
            MailboxCount = groups.Sum(g => g.MailboxCount),
            MessageCount = groups.Sum(g => g.MessageCount),
            HotMessageCount = groups.Sum(g => g.HotMessageCount),
            ArchivedMessageCount = groups.Sum(g => g.ArchivedMessageCount),
            HotBytes = groups.Sum(g => g.HotBytes),
            ArchivedBytes = groups.Sum(g => g.ArchivedBytes),
            BackupAge = groups.Exists(g => g.BackupAge is null) ? null : groups.Max(g => g.BackupAge),
            Nodes = Mail.Settings.Nodes,
            Objects = Mail.Settings.Objects,
            UnderReplicatedCount = database.Copies?.UnderReplicated,
            CopiesTested = database.Copies?.Tested,
            StorageGroups = groups,
        });
    }

    public async Task<MailboxInfo> CreateMailboxAsync(string name, string? storageGroup = null, CancellationToken cancellationToken = default)
    {
        (StorageGroup group, bool created) = await Mail.CreateMailboxAsync(name, storageGroup, cancellationToken).ConfigureAwait(false);
        if (!created)
            throw new MessageStoreException(ErrorIds.MailboxExists, ErrorKind.AlreadyExists, $"There is a mailbox '{name}' already, in storage group {group.Name}.", name);
        return group.Mailbox(name, out _);
    }

    public async Task RemoveMailboxAsync(string name, CancellationToken cancellationToken = default)
    {
        StorageGroup group = GroupOf(name);
        group.Mailbox(name, out int number);
        if (group.HoldOnMailbox(name) is { } hold) throw OnHold($"Mailbox '{name}', or mail in it,", name, hold);
        DateTimeOffset now = database.Clock.GetUtcNow();
        List<Guid> archived = [.. group.List(number).Select(e => e.Id.ToGuid()).Chunk(KeyCopy.BatchSize).SelectMany(ids => database.Keys.Find(ids).Select(k => k.Id).Distinct())];
        DeletedRecords.Mark(database.Keys, archived, now);
        await group.RemoveMailboxAsync(name, cancellationToken).ConfigureAwait(false);
        if (group.HoldOnMailbox(name) is { } late) throw OnHold($"Mailbox '{name}', or mail in it,", name, late); // the hold came first: nothing was removed
        DeletedRecords.Forget(database.Keys, archived, now);
    }

    public async IAsyncEnumerable<MailboxInfo> ListMailboxesAsync(string? pattern = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach ((StorageGroup group, string name) in MatchingMailboxes(pattern))
        {
            cancellationToken.ThrowIfCancellationRequested();
            MailboxInfo info;
            try
            {
                info = group.Mailbox(name, out _);
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MailboxNotFound)
            {
                continue; // removed since the names were listed
            }
            yield return info;
        }
    }

    /// <summary>Mailboxes whose name matches, by name.</summary>
    internal List<(StorageGroup Group, string Name)> MatchingMailboxes(string? pattern)
    {
        if (pattern is not null && !Wildcard.IsPattern(pattern))
            return Mail.GroupOf(pattern) is { } only ? [(only, pattern)] : [];
        var names = new List<(StorageGroup Group, string Name)>();
        foreach (StorageGroup group in Mail.Groups)
            names.AddRange(group.MailboxNames().Where(n => pattern is null || Wildcard.Matches(pattern, n)).Select(n => (group, n)));
        names.Sort((a, b) => string.Compare(a.Name, b.Name, StringComparison.OrdinalIgnoreCase));
        return names;
    }

    internal StorageGroup GroupOf(string mailbox) => Mail.GroupOf(mailbox) ?? throw (Mail.FailedGroups.Count > 0
        ? new MessageStoreException(Mail.FailedGroups[0].Reason.ErrorId, ErrorKind.Device,
            $"There is no mailbox '{mailbox}' in the storage groups that are open, and group {Mail.FailedGroups[0].Settings.Name} is not: {Mail.FailedGroups[0].Reason.Message}", mailbox, Mail.FailedGroups[0].Reason)
        : new MessageStoreException(ErrorIds.MailboxNotFound, ErrorKind.NotFound, $"There is no mailbox '{mailbox}'.", mailbox));
}
