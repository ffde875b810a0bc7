using System.Buffers;
using System.Net;
using Amazon.Runtime;
using MessageStore.IO;

namespace MessageStore.ObjectStorage;

/// <summary>Fetches stretches of packs; where a transfer breaks off it goes on from there. Errors are the SDK's.</summary>
/// <param name="bucket">Where packs lie.</param>
/// <param name="storage">Where spool files go.</param>
/// <param name="spoolFolder">The folder for them; it must exist.</param>
internal sealed class PackFetcher(ObjectBucket bucket, IStorage storage, string spoolFolder)
{
    private const int MemoryLimit = 4 << 20;
    private const int BlockSize = 128 << 10;

    /// <summary>How often a transfer may break off before any byte of it came.</summary>
    private const int FruitlessLimit = 3;

    /// <summary>Fetches a stretch; it is shorter where the pack ends before.</summary>
    /// <param name="name">The pack.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Its length in bytes, at least 1.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<PackFile> FetchAsync(string name, long offset, long length, CancellationToken cancellationToken)
    {
        bool isLarge = length > MemoryLimit;
        var file = new PackFile(bucket.Place + name, offset, isLarge ? null : new byte[length], isLarge ? new SpoolFile(storage, spoolFolder) : null);
        try
        {
            int fruitless = 0;
            for (bool ended = false; !ended && file.Count < length;)
            {
                long before = file.Count;
                try
                {
                    Stream stream = await bucket.OpenAsync(name, offset + before, length - before, cancellationToken).ConfigureAwait(false);
                    await using (stream.ConfigureAwait(false)) await CopyAsync(stream, file, length, cancellationToken).ConfigureAwait(false);
                    ended = true;
                }
                catch (AmazonServiceException error) when (error.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                {
                    ended = true; // the pack ends where the stretch begins, or before
                }
                catch (Exception error) when (error is IOException or HttpRequestException && (file.Count > before || ++fruitless < FruitlessLimit))
                {
                    // Broken off: the next request begins where this one ended.
                }
            }
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private async Task CopyAsync(Stream stream, PackFile file, long length, CancellationToken cancellationToken)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(BlockSize);
        try
        {
            while (file.Count < length)
            {
                using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                timer.CancelAfter(bucket.Timeout);
                int read = await stream.ReadAsync(block.AsMemory(0, (int)Math.Min(block.Length, length - file.Count)), timer.Token).ConfigureAwait(false);
                if (read == 0) return;
                file.Add(block.AsSpan(0, read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
