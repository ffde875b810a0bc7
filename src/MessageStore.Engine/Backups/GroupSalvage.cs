using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Backups;

/// <summary>
/// Makes a storage group out of what is whole in a damaged backup: an empty group that gets, transaction by transaction, the names and every message whose checksums hold, each under
/// its Id, in its folder, with its flags. Its history begins anew, so logs of the old one never continue it: what they have is to be in the view.
/// </summary>
internal sealed class GroupSalvage(IStorage storage, TimeProvider clock, IProgress<RunProgress>? progress)
{
    /// <summary>Bytes of messages handed in and not durable yet.</summary>
    private const long Window = 16 << 20;

    private const int ProgressStep = 256;

    /// <param name="report">Gets the messages that are not whole.</param>
    /// <returns>The number of messages brought.</returns>
    public long Run(BackupGroupView view, UnpackTarget target, DamageReport report, CancellationToken cancellationToken)
    {
        var options = new GroupOptions { Clock = clock };
        StorageGroup.Create(storage, view.Identity, options, target.StoreFolder, target.LogFolder);
        using StorageGroup group = StorageGroup.Open(storage, view.Identity, options, target.StoreFolder, target.LogFolder);
        return RunAsync(view, group, report, cancellationToken).GetAwaiter().GetResult();
    }

    private async Task<long> RunAsync(BackupGroupView view, StorageGroup group, DamageReport report, CancellationToken cancellationToken)
    {
        await group.AdoptNamesAsync(view.Mailboxes, view.Records).ConfigureAwait(false);
        var underWay = new Queue<(Task Task, long Bytes)>();
        long bytes = 0, brought = 0, seen = 0;
        foreach (MailboxState mailbox in view.Mailboxes)
        {
            foreach (IndexEntry entry in view.List(mailbox))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (seen++ % ProgressStep == 0) progress?.Report(new RunProgress("Taking what is whole", $"{view.Name}, {mailbox.Name}", seen, view.MessageCount));
                if (view.Verify(entry, out ImageSource source, out ImageHeader image) is { } problem)
                {
                    report.Lose(view, mailbox, entry, problem);
                    continue;
                }
                image.Mailbox = entry.Mailbox;
                image.Folder = entry.Folder;
                image.Flags = entry.Flags;
                // A message in parts keeps its place only if nobody overtakes it.
                bool isLarge = ImageFrames.Count(entry) > 1;
                while (underWay.Count > 0 && (isLarge || bytes > Window))
                {
                    (Task first, long length) = underWay.Dequeue();
                    await first.ConfigureAwait(false);
                    bytes -= length;
                }
                Task task = group.AdoptAsync(entry, image, source);
                if (isLarge) await task.ConfigureAwait(false);
                else underWay.Enqueue((task, entry.ImageLength));
                bytes += isLarge ? 0 : entry.ImageLength;
                brought++;
            }
        }
        foreach ((Task task, _) in underWay) await task.ConfigureAwait(false);
        return brought;
    }
}
