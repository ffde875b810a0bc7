namespace MessageStore.Keys;

/// <summary>Copies all that one key manager holds into another one, and proves it.</summary>
internal static class KeyCopy
{
    /// <summary>Keys and volumes handed over at a time.</summary>
    public const int BatchSize = 2000;

    /// <summary>Copies everything; neither of the two may be changed meanwhile by others.</summary>
    /// <returns>What was copied.</returns>
    /// <exception cref="MessageStoreException">KeysDamaged: what the target gives back is not what was copied; and what the two raise. The source is as it was.</exception>
    public static KeyDigest Run(IKeyManager source, IKeyManager target, IProgress<RunProgress>? progress, CancellationToken cancellationToken)
    {
        long total = source.Count;
        var copied = new KeyDigest();
        foreach (CoveredVolume[] volumes in source.ListVolumes().Chunk(BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            target.Cover(volumes);
            foreach (CoveredVolume volume in volumes) copied.Add(volume);
        }
        foreach (ArchiveKey[] keys in source.List().Chunk(BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            target.Put(keys);
            foreach (ArchiveKey key in keys) copied.Add(key);
            progress?.Report(new RunProgress("Copying archive keys", keys[^1].Mailbox, copied.Keys, Math.Max(copied.Keys, total)));
        }
        progress?.Report(new RunProgress("Comparing archive keys", "", copied.Keys, Math.Max(copied.Keys, total)));
        KeyDigest found = KeyDigest.Of(target, cancellationToken);
        if (found.IsSameAs(copied)) return copied;
        throw new MessageStoreException(ErrorIds.KeysDamaged, ErrorKind.Damaged,
            $"The copy of the archive keys is not what was copied: {found.Keys} keys in {found.Volumes} volumes instead of {copied.Keys} in {copied.Volumes}, or others. The keys stay where they were; try again.");
    }
}
