using MessageStore.Archiving;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>
/// Appending to storage nodes. What an interrupted run sent and did not come to record needs no looking for: the same Id again is the same record on a unit that has it, and
/// what no key names in the end is erased by repair.
/// </summary>
internal sealed class NodesArchiveSession(ReplicatedWriter writer) : IArchiveSession
{
    private const long ChunkBytes = 8 << 20;

    public IReadOnlyList<ArchivedRecord> Unrecorded => [];

    public IReadOnlyList<string> Notes => [];

    public async ValueTask<IReadOnlyList<ArchiveKey>> AppendAsync(ArchiveBatch batch, CancellationToken cancellationToken = default)
    {
        if (batch.Records.FirstOrDefault(r => r.Length > UnitOptions.RecordLimit) is { } large)
        {
            throw new MessageStoreException(ErrorIds.MessageTooLarge, ErrorKind.NotSupported,
                $"Message {large.Id} takes {large.Length} bytes as a record; storage nodes take up to {UnitOptions.RecordLimit}. Archive it to files.", large.Id);
        }
        var keys = new List<ArchiveKey>(batch.Records.Count * 2);
        var chunk = new List<ArchivedRecordInfo>();
        using var bytes = new PooledBuffer();
        int next = 0;
        long start = 0; // where in the chunk the record begins that is being gathered
        await batch.CopyToAsync(async block =>
        {
            while (!block.IsEmpty)
            {
                // Up to the end of the record that is being gathered, and when the chunk is full, away with it.
                long end = start + batch.Records[next].Length;
                int count = (int)Math.Min(block.Length, end - bytes.Length);
                bytes.Write(block.Span[..count]);
                block = block[count..];
                if (bytes.Length < end) continue;
                chunk.Add(batch.Records[next++]);
                start = end;
                bool isFull = chunk.Count == AppendRequest.RecordCountLimit || bytes.Length >= ChunkBytes || next == batch.Records.Count
                    || bytes.Length + batch.Records[next].Length > AppendRequest.BytesLimit;
                if (!isFull) continue;
                keys.AddRange(await SendAsync(chunk, bytes.Memory, cancellationToken).ConfigureAwait(false));
                chunk.Clear();
                bytes.Truncate(0);
                start = 0;
            }
        }).ConfigureAwait(false);
        return keys;
    }

    public void Dispose()
    {
    }

    private async Task<List<ArchiveKey>> SendAsync(List<ArchivedRecordInfo> records, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var sent = new SentRecord[records.Count];
        int at = 0;
        for (int index = 0; index < sent.Length; index++)
        {
            ReadOnlyMemory<byte> record = bytes.Slice(at, (int)records[index].Length);
            sent[index] = new SentRecord(record, Crc32C.Compute(record.Span));
            at += record.Length;
        }
        IReadOnlyList<HopAnswer> answers = await writer.WriteAsync(sent, cancellationToken: cancellationToken).ConfigureAwait(false);
        var keys = new List<ArchiveKey>(sent.Length * answers.Count);
        for (int index = 0; index < sent.Length; index++)
        {
            foreach (HopAnswer answer in answers)
            {
                RecordPlace place = answer.Places[index];
                keys.Add((records[index] with { Offset = place.Offset, Length = place.Length }).ToKey(NodesArchiveTarget.TargetName, answer.Unit, place.Volume));
            }
        }
        return keys;
    }
}
