using System.Buffers;
using MessageStore.Archiving;

namespace MessageStore.ObjectStorage;

/// <summary>Creates packs: small ones with one request, larger ones in parts. Errors are the SDK's.</summary>
/// <param name="bucket">Where packs lie.</param>
/// <param name="partSize">Length of a part in bytes; the service asks for 5 MiB at the least, but for the last.</param>
internal sealed class PackWriter(ObjectBucket bucket, int partSize)
{
    public const int DefaultPartSize = 8 << 20;

    /// <summary>Creates a pack of a batch's records. After an error it may be there all the same.</summary>
    public async Task PutAsync(string name, ArchiveBatch batch, CancellationToken cancellationToken)
    {
        byte[] part = ArrayPool<byte>.Shared.Rent((int)Math.Min(batch.Length, partSize));
        try
        {
            if (batch.Length > partSize)
            {
                await PutInPartsAsync(name, batch, part, cancellationToken).ConfigureAwait(false);
                return;
            }
            int length = 0;
            batch.CopyTo(block =>
            {
                block.CopyTo(part.AsMemory(length));
                length += block.Length;
            });
            await bucket.PutAsync(name, new MemoryStream(part, 0, length), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(part);
        }
    }

    private async Task PutInPartsAsync(string name, ArchiveBatch batch, byte[] part, CancellationToken cancellationToken)
    {
        string upload = await bucket.BeginUploadAsync(name, cancellationToken).ConfigureAwait(false);
        try
        {
            var tags = new List<string>();
            int filled = 0;
            await batch.CopyToAsync(async block =>
            {
                while (block.Length > 0)
                {
                    int count = Math.Min(block.Length, partSize - filled);
                    block[..count].CopyTo(part.AsMemory(filled));
                    (block, filled) = (block[count..], filled + count);
                    if (filled == partSize) await SendAsync().ConfigureAwait(false);
                }
            }).ConfigureAwait(false);
            if (filled > 0) await SendAsync().ConfigureAwait(false);
            await bucket.CompleteUploadAsync(name, upload, tags, cancellationToken).ConfigureAwait(false);

            async Task SendAsync()
            {
                tags.Add(await bucket.UploadPartAsync(name, upload, tags.Count + 1, new MemoryStream(part, 0, filled), cancellationToken).ConfigureAwait(false));
                filled = 0;
            }
        }
        catch
        {
            await AbortAsync(name, upload).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Parts cost money until they are given up. Where that fails, the next session of the mailbox does it.</summary>
    private async Task AbortAsync(string name, string upload)
    {
        try
        {
            await bucket.AbortUploadAsync(name, upload, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (ObjectErrors.IsService(error, CancellationToken.None))
        {
        }
    }
}
