using MessageStore.Archiving;
using MessageStore.Backups;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Maintenance;

/// <summary>
/// Good copies for damaged images: from the logs, then from complete backups, the newest first, then from the archive. A copy is verified before it is
/// taken, by the digest that the index has, and read back afterwards. The damaged bytes stay where they are.
/// </summary>
internal sealed partial class DatabaseScrub
{
    private async Task RepairImagesAsync(StorageGroup group, List<DamagedMessage> bad, CancellationToken cancellationToken)
    {
        progress?.Report(new RunProgress("Repairing", $"{group.Name}, {bad.Count} messages", 0, bad.Count));
        try
        {
            await FromLogsAsync(group, bad, cancellationToken).ConfigureAwait(false);
            await FromBackupsAsync(group, bad, cancellationToken).ConfigureAwait(false);
            await FromArchiveAsync(group, bad, cancellationToken).ConfigureAwait(false);
            // Only a checkpoint records where the good copies lie.
            if (bad.Exists(m => m.Finding.IsRepaired)) RecordPlaces(group, cancellationToken);
        }
        catch (MessageStoreException error)
        {
            foreach (DamagedMessage message in bad) message.Finding = message.Finding with { RepairedFrom = "" };
            Report(new DatabaseFinding { StorageGroup = group.Name, File = error.Target as string ?? group.StoreFolder, Problem = $"Nothing could be repaired: {error.Message}" });
        }
    }

    private static void RecordPlaces(StorageGroup group, CancellationToken cancellationToken)
    {
        group.CommitAsync(Transaction.Vouch(group.Identity.Salt)).GetAwaiter().GetResult();
        group.Checkpoint(cancellationToken);
    }

    private static HashSet<Guid> Wanted(List<DamagedMessage> bad) => [.. bad.Where(m => !m.Finding.IsRepaired).Select(m => m.Entry.Id.ToGuid())];

    private static async Task FromLogsAsync(StorageGroup group, List<DamagedMessage> bad, CancellationToken cancellationToken)
    {
        var open = new List<IDisposable>();
        try
        {
            LogImages images = group.FindInLogs(Wanted(bad), open, cancellationToken);
            await TryAllAsync(group, bad, images.Found, "the log", cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            foreach (IDisposable file in open) file.Dispose();
        }
    }

    private async Task FromBackupsAsync(StorageGroup group, List<DamagedMessage> bad, CancellationToken cancellationToken)
    {
        foreach (string path in UsableBackups(group))
        {
            HashSet<Guid> wanted = Wanted(bad);
            if (wanted.Count == 0) return;
            await InBackupAsync(group, path, wanted, candidates => TryAllAsync(group, bad, candidates, path, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The complete backups of this database at the backup path, the newest first.</summary>
    private IEnumerable<string> UsableBackups(StorageGroup group) => !mail.Storage.FolderExists(mail.BackupPath) ? [] :
        BackupCatalog.List(mail.Storage, mail.BackupPath, clock).Where(b => b.IsComplete && b.DatabaseId == group.Identity.DatabaseId).Select(b => b.Path);

    /// <summary>Looks for images in a backup; one that is damaged may still hold them.</summary>
    private async Task InBackupAsync(
        StorageGroup group, string path, HashSet<Guid> wanted, Func<List<(Guid, ushort, ImageSource)>, Task> take, CancellationToken cancellationToken)
    {
        var candidates = new List<(Guid, ushort, ImageSource)>();
        try
        {
            using BackupKey? key = BackupKey.Open(mail.Storage, options.BackupKey);
            using var images = new BackupImages(mail.Storage, path, group.Identity, key, cancellationToken);
            images.Find(wanted, candidates, cancellationToken);
            await take(candidates).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException
            or MessageStoreException { ErrorId: ErrorIds.BackupDamaged or ErrorIds.BackupIncomplete or ErrorIds.BackupKeyRequired or ErrorIds.BackupKeyWrong or ErrorIds.StoreDamaged })
        {
            // Perhaps an older one is better, or one that this key opens.
        }
    }

    private async Task FromArchiveAsync(StorageGroup group, List<DamagedMessage> bad, CancellationToken cancellationToken)
    {
        foreach (DamagedMessage message in bad.Where(m => !m.Finding.IsRepaired))
        {
            foreach (ArchiveKey key in keys.Find(message.Entry.Id.ToGuid()))
            {
                try
                {
                    using Stream stream = await archive.OpenAsync(key, cancellationToken).ConfigureAwait(false);
                    using MessageBody body = await MessageBody.FromStreamAsync(stream, PathOf(key), cancellationToken).ConfigureAwait(false);
                    if (UInt128Bytes.Read(body.Sha256) != message.Entry.ContentDigest || body.Length != message.Entry.Length) continue;
                    MessageSummary summary = headers.Read(body.Head.Span[..Math.Min(body.Head.Length, MessageBody.HeadLimit)]);
                    (ImageSource source, ushort summaryLength) = group.Rebuild(message.Entry, body, summary);
                    if (!await group.ReplaceImageAsync(message.Entry, summaryLength, source, cancellationToken).ConfigureAwait(false)) continue;
                    message.Finding = message.Finding with { RepairedFrom = PathOf(key) };
                    break;
                }
                catch (MessageStoreException error) when (ArchiveErrors.IsDamage(error) || error.ErrorId == ErrorIds.ArchiveUnavailable)
                {
                    // Perhaps another copy is better.
                }
            }
        }
    }

    private static async Task TryAllAsync(
        StorageGroup group, List<DamagedMessage> bad, List<(Guid Id, ushort SummaryLength, ImageSource Source)> candidates, string from, CancellationToken cancellationToken)
    {
        ILookup<Guid, (Guid Id, ushort SummaryLength, ImageSource Source)> byId = candidates.ToLookup(c => c.Id);
        foreach (DamagedMessage message in bad.Where(m => !m.Finding.IsRepaired))
        {
            foreach ((_, ushort summaryLength, ImageSource source) in byId[message.Entry.Id.ToGuid()])
            {
                if (!await group.ReplaceImageAsync(message.Entry, summaryLength, source, cancellationToken).ConfigureAwait(false)) continue;
                message.Finding = message.Finding with { RepairedFrom = from };
                break;
            }
        }
    }
}
