using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>How much room a backup takes when it is unpacked with all that it stands on.</summary>
internal static class ChainNeeds
{
    /// <param name="key">Opens the sets where they are encrypted.</param>
    /// <param name="groups">The groups to be unpacked.</param>
    /// <returns>
    /// Bytes: segments and snapshot as the newest set with images names them, and twice what that set and those above it hold beside images. Those are logs, and replay writes the images in them
    /// once more.
    /// </returns>
    /// <exception cref="MessageStoreException">What is wrong with a file of the chain.</exception>
    public static long Bytes(IStorage storage, BackupChain chain, BackupKey? key, IReadOnlyCollection<string> groups)
    {
        long bytes = 0;
        for (int set = chain.Paths.Count - 1; set >= 0; set--)
        {
            using var reader = new BackupReader(storage, chain.Paths[set], key);
            bool hasImages = reader.Header.Kind != BackupKind.Logs;
            foreach (GroupContents group in reader.Contents.Groups.Where(g => groups.Contains(g.Begin.Name)))
            {
                long copied = group.Begin.SnapshotBytes + group.Begin.Segments.Sum(s => s.Length - s.From);
                bytes += 2 * Math.Max(0, group.Bytes - copied);
                if (hasImages) bytes += group.Begin.SnapshotBytes + group.Begin.Segments.Sum(s => s.Length);
            }
            if (hasImages) break;
        }
        return bytes;
    }
}
