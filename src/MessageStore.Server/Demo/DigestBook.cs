using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;

namespace MessageStore.Server.Demo;

/// <summary>What was acknowledged, by Id and SHA-256: what must be there again after the disaster.</summary>
internal sealed class DigestBook
{
    private const int Block = 64 << 10;

    private readonly ConcurrentDictionary<Guid, Digest> digests = new();

    public int Count => digests.Count;

    public void Add(StoredMessage message) => digests[message.Id] = Digest.Parse(message.Sha256);

    /// <summary>Reads every message of a database back and counts those that are missing, too many or not the same.</summary>
    public async Task<long> CompareAsync(IMessageStore store, CancellationToken cancellationToken)
    {
        long differences = 0, found = 0;
        await Parallel.ForEachAsync(store.ListAsync(new MessageQuery(), cancellationToken), cancellationToken, async (message, token) =>
        {
            Interlocked.Increment(ref found);
            if (!digests.TryGetValue(message.Id, out Digest expected)
                || await DigestAsync(store, message.Id, token).ConfigureAwait(false) != expected.ToString())
                Interlocked.Increment(ref differences);
        }).ConfigureAwait(false);
        return differences + Math.Abs(digests.Count - found);
    }

    public static async Task<string> DigestAsync(IMessageStore store, Guid id, CancellationToken cancellationToken)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = System.Buffers.ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            await using Stream body = await store.OpenReadAsync(id, cancellationToken).ConfigureAwait(false);
            for (int read; (read = await body.ReadAsync(block, cancellationToken).ConfigureAwait(false)) > 0;) sha256.AppendData(block, 0, read);
            return Convert.ToHexStringLower(sha256.GetHashAndReset());
        }
        catch (MessageStoreException error)
        {
            return error.ErrorId;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(block);
        }
    }

    /// <summary>A SHA-256 in 32 bytes: the book of a large demo must not be what its memory goes to.</summary>
    private readonly record struct Digest(UInt128 High, UInt128 Low)
    {
        public static Digest Parse(string hex) => new(UInt128.Parse(hex.AsSpan(0, 32), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            UInt128.Parse(hex.AsSpan(32), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

        public override string ToString() => High.ToString("x32", CultureInfo.InvariantCulture) + Low.ToString("x32", CultureInfo.InvariantCulture);
    }
}
