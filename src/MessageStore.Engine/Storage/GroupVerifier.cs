using System.Security.Cryptography;

namespace MessageStore.Storage;

/// <summary>What reading all of a group came to.</summary>
/// <param name="Digest">The state digest computed anew from what was read.</param>
/// <param name="Differences">A sentence for each message that is not what it should be, the first <see cref="GroupVerifier.DifferencesKept"/> of them.</param>
internal sealed record GroupVerification(long Messages, long Damaged, UInt128 Digest, IReadOnlyList<string> Differences);

/// <summary>Reads every message of a group, compares its SHA-256 with the one recorded when it was stored, and sums up the state digest from scratch.</summary>
internal static class GroupVerifier
{
    public const int DifferencesKept = 100;

    private const int BlockSize = 256 << 10;

    public static GroupVerification Run(StorageGroup group, CancellationToken cancellationToken)
    {
        long messages = 0, damaged = 0;
        UInt128 digest = group.NamesDigest();
        var differences = new List<string>();
        byte[] block = new byte[BlockSize];
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> expected = stackalloc byte[32];
        Span<byte> found = stackalloc byte[32];
        foreach (string name in group.MailboxNames())
        {
            if (!group.TryFindMailbox(name, out int number)) continue;
            foreach (IndexEntry entry in group.List(number))
            {
                cancellationToken.ThrowIfCancellationRequested();
                messages++;
                digest += entry.StateHash();
                try
                {
                    (ImageHeader image, _) = group.ReadSummary(entry) ?? throw StorageGroup.Gone(entry);
                    image.DigestLow.Write(expected);
                    image.DigestHigh.Write(expected[16..]);
                    if (image.DigestLow != entry.ContentDigest || image.BodyLength != entry.Length) throw StorageGroup.Gone(entry);
                    if (entry.IsArchived) continue;
                    using Stream body = group.OpenBody(entry) ?? throw StorageGroup.Gone(entry);
                    for (int read; (read = body.Read(block)) > 0;) sha256.AppendData(block, 0, read);
                    sha256.GetHashAndReset(found);
                    if (!found.SequenceEqual(expected)) throw StorageGroup.Gone(entry);
                }
                catch (Exception error) when (error is MessageStoreException or FormatException)
                {
                    damaged++;
                    if (differences.Count < DifferencesKept) differences.Add($"{name}: {error.Message}");
                }
            }
        }
        return new GroupVerification(messages, damaged, digest, differences);
    }
}
