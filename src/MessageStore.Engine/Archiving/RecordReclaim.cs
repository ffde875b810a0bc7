using MessageStore.Keys;
using MessageStore.Messages;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>
/// Gives up records whose messages were deleted by their users, or with their mailbox: where they are a large enough share of their file, a tombstone is laid and their keys go. Writing the file
/// anew is left to whoever frees files of what has expired. Only a key that says "deleted" makes a record dead. A record without any key may be all that is left of a message.
/// </summary>
internal sealed class RecordReclaim(MailDatabase mail, FileArchiveTarget files, IKeyManager keys, ExpiryBook book)
{
    private const int AtATime = 4096;

    public void Run(ExpiryOptions options, DateTimeOffset now, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        DateTimeOffset before = now.UtcTicks > options.KeepDeletedFor.Ticks ? now - options.KeepDeletedFor : DateTimeOffset.MinValue;
        HashSet<string> volumes = Worthwhile(options, before, cancellationToken);
        if (volumes.Count == 0) return;
        long done = 0;
        foreach (ArchiveKey[] some in Dead(options, before, null, cancellationToken).Where(k => volumes.Contains(k.Volume)).Chunk(AtATime))
        {
            foreach (ArchiveKey key in some) book.Reclaimed(key.Mailbox);
            progress?.Report(new RunProgress("Reclaiming", some[0].Mailbox, done += some.Length, 0));
            if (options.DryRun) continue;
            files.Tombstones.Add([.. some.GroupBy(k => k.Volume).Select(v => new Tombstones(TombstoneFrameType.Reclaimed, v.Key, [.. v.Select(k => k.Id)]))]);
            keys.Remove([.. some.Select(k => k.Id)]);
        }
    }

    /// <summary>Volumes of which enough is dead. One that is gone has nothing to write anew; its keys go all the same.</summary>
    private HashSet<string> Worthwhile(ExpiryOptions options, DateTimeOffset before, CancellationToken cancellationToken)
    {
        var dead = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (ArchiveKey key in Dead(options, before, book.Kept, cancellationToken)) dead[key.Volume] = dead.GetValueOrDefault(key.Volume) + key.Length;
        return [.. dead.Where(v => !files.HasVolume(v.Key) || v.Value >= options.MinimumDeadShare * files.LengthOf(v.Key)).Select(v => v.Key)];
    }

    /// <summary>Keys of records whose messages were deleted by then and are not there now, and that no hold covers.</summary>
    private IEnumerable<ArchiveKey> Dead(ExpiryOptions options, DateTimeOffset before, Action<string, string>? held, CancellationToken cancellationToken)
    {
        foreach (ArchiveKey key in keys.List(new KeyQuery { Target = files.Name, Unit = files.Unit, DeletedAt = before }))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (options.Mailboxes.Count > 0 && !options.Mailboxes.Any(p => Wildcard.Matches(p, key.Mailbox))) continue;
            if (mail.TryFind(key.Id, out _, out _)) continue;
            if (ExpiryAgent.HoldOnGone(mail, key.Id, key.Mailbox, null) is { } hold) held?.Invoke(key.Mailbox, RecordNote.DescribeHold(hold));
            else yield return key;
        }
    }
}
