using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MessageStore.Keys;

/// <summary>
/// A digest of what a key manager holds, whatever its order: the sum of the hashes of all keys and covered volumes, with their number. Equal digests mean the same keys to the last bit, not merely as many.
/// </summary>
internal sealed class KeyDigest
{
    private UInt128 sum;

    /// <summary>Keys added.</summary>
    public long Keys { get; private set; }

    /// <summary>Volumes added.</summary>
    public long Volumes { get; private set; }

    /// <summary>The digest of all that a manager holds.</summary>
    public static KeyDigest Of(IKeyManager keys, CancellationToken cancellationToken)
    {
        var digest = new KeyDigest();
        foreach (CoveredVolume volume in keys.ListVolumes())
        {
            cancellationToken.ThrowIfCancellationRequested();
            digest.Add(volume);
        }
        foreach (ArchiveKey key in keys.List())
        {
            cancellationToken.ThrowIfCancellationRequested();
            digest.Add(key);
        }
        return digest;
    }

    public void Add(ArchiveKey key)
    {
        Keys++;
        Add($"key\0{key.Id:N}\0{key.Mailbox}\0{key.Target}\0{key.Unit}\0{key.Volume}\0{key.Offset}\0{key.Length}\0{key.Sha256}\0{key.StorageDate.UtcTicks}\0{key.DeletionDate?.UtcTicks ?? 0}\0{key.DeletedDate?.UtcTicks ?? 0}");
    }

    public void Add(CoveredVolume volume)
    {
        Volumes++;
        Add($"volume\0{volume.Target}\0{volume.Unit}\0{volume.Volume}\0{volume.End}");
    }

    public bool IsSameAs(KeyDigest other) => Keys == other.Keys && Volumes == other.Volumes && sum == other.sum;

    /// <remarks>No name holds a NUL, so no two items have one text.</remarks>
    private void Add(FormattableString item)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant(item)), hash);
        sum += BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
