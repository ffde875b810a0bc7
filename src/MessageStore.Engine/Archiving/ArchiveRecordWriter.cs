using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>
/// Makes archive records: one gzip member (RFC 1952) for each message, which unpacks to one mboxrd entry. Format: docs/format-archive.md. Bodies that lie in
/// memory are packed in memory; larger ones go through a spool file with bounded memory. Not thread-safe.
/// </summary>
/// <param name="compression">How hard to compress; what does not shrink is stored.</param>
/// <param name="storage">Where spool files go.</param>
/// <param name="spoolFolder">The folder for them; it must exist.</param>
internal sealed class ArchiveRecordWriter(ArchiveCompression compression, IStorage storage, string spoolFolder) : IDisposable
{
    private const int ChunkSize = 256 << 10;

    private readonly PooledBuffer entry = new();
    private readonly MboxQuoter quoter = new();
    private readonly FastDeflate? fast = compression == ArchiveCompression.Fastest ? new FastDeflate() : null;

    /// <summary>Appends a message's record to a buffer, or, where the body is not in memory, its header and trailer.</summary>
    /// <param name="message">The message.</param>
    /// <param name="target">Gets the record.</param>
    /// <param name="spool">The compressed bytes that belong between header and trailer; <see langword="null"/> where they are in the buffer. The caller
    /// disposes it.</param>
    /// <param name="spoolAt">Where in the buffer they belong.</param>
    /// <returns>What the record says of itself, with <see cref="ArchivedRecordInfo.Offset"/> 0.</returns>
    /// <exception cref="IOException">A spool file or the body could not be read or written.</exception>
    /// <exception cref="InvalidDataException">The body did not have the length it said.</exception>
    public ArchivedRecordInfo Write(ArchiveEntry message, PooledBuffer target, out SpoolFile? spool, out int spoolAt)
    {
        spool = null;
        spoolAt = 0;
        int start = target.Length;
        try
        {
            return message.Body.IsInMemory ? WriteSmall(message, target) : WriteLarge(message, target, out spool, out spoolAt);
        }
        catch
        {
            spool?.Dispose();
            spool = null;
            target.Truncate(start);
            fast?.Abandon();
            throw;
        }
    }

    public void Dispose() => entry.Dispose();

    private ArchivedRecordInfo WriteSmall(ArchiveEntry message, PooledBuffer target)
    {
        ReadOnlySpan<byte> body = message.Body.Head.Span;
        entry.Truncate(0);
        byte[] fromLine = FromLine.Format(message.Sender, message.ReceivedDate);
        entry.Write(fromLine);
        quoter.Write(body, entry);
        quoter.Complete(entry);
        entry.Write(MboxQuoting.Terminator(body.Length, body.IsEmpty ? default : body[^1]));

        int headerLength = ArchiveRecordHeader.LengthFor(message.Mailbox, message.Folder);
        int start = target.Length;
        target.GetSpan(headerLength);
        target.Advance(headerLength);
        ArchiveCompression used = Pack(target);
        WriteTrailer(target, Crc32.Compute(entry.Span), entry.Length);
        ArchivedRecordInfo info = Describe(message, used, headerLength, target.Length - start, entry.Length, fromLine.Length);
        ArchiveRecordHeader.Write(target.Span[start..], message, info);
        return info;
    }

    /// <summary>Packs <see cref="entry"/>.</summary>
    private ArchiveCompression Pack(PooledBuffer target)
    {
        int start = target.Length;
        if (compression != ArchiveCompression.Stored)
        {
            if (fast is not null) fast.Write(entry.Span, last: true, target);
            else
                using (var deflate = new DeflateStream(new PooledBufferStream(target), CompressionLevel.Optimal)) deflate.Write(entry.Span);
            if (target.Length - start < StoredDeflate.LengthFor(entry.Length)) return compression;
            target.Truncate(start);
        }
        StoredDeflate.Write(entry.Span, last: true, target);
        return ArchiveCompression.Stored;
    }

    private ArchivedRecordInfo WriteLarge(ArchiveEntry message, PooledBuffer target, out SpoolFile? spool, out int spoolAt)
    {
        byte[] fromLine = FromLine.Format(message.Sender, message.ReceivedDate);
        spool = new SpoolFile(storage, spoolFolder);
        var sink = new StorageFileStream(spool.File, 0, 0);
        (uint crc, long entryLength) = compression switch
        {
            ArchiveCompression.Optimal => StreamOptimal(message.Body, fromLine, sink),
            ArchiveCompression.Fastest => StreamBlocks(message.Body, fromLine, sink, fast!.Write),
            _ => StreamBlocks(message.Body, fromLine, sink, StoredDeflate.Write),
        };

        int headerLength = ArchiveRecordHeader.LengthFor(message.Mailbox, message.Folder);
        int start = target.Length;
        target.GetSpan(headerLength);
        target.Advance(headerLength);
        spoolAt = target.Length;
        WriteTrailer(target, crc, entryLength);
        long length = headerLength + sink.Length + ArchiveRecordHeader.TrailerLength;
        ArchivedRecordInfo info = Describe(message, compression, headerLength, length, entryLength, fromLine.Length);
        ArchiveRecordHeader.Write(target.Span[start..], message, info);
        return info;
    }

    private (uint Crc, long Length) StreamOptimal(MessageBody body, byte[] fromLine, Stream sink)
    {
        using var deflate = new DeflateStream(new BufferedStream(sink, ChunkSize), CompressionLevel.Optimal);
        return StreamEntry(body, fromLine, (chunk, _) => deflate.Write(chunk));
    }

    private (uint Crc, long Length) StreamBlocks(MessageBody body, byte[] fromLine, Stream sink, DeflateWriter deflate)
    {
        using var blocks = new PooledBuffer(ChunkSize * 2);
        return StreamEntry(body, fromLine, (chunk, last) =>
        {
            deflate(chunk, last, blocks);
            sink.Write(blocks.Span);
            blocks.Truncate(0);
        });
    }

    /// <summary>Hands the mbox entry out in chunks, the last of them marked.</summary>
    private (uint Crc, long Length) StreamEntry(MessageBody body, byte[] fromLine, ReadOnlySpanAction<byte, bool> write)
    {
        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
        try
        {
            uint crc = 0;
            long length = 0;
            byte lastByte = 0;
            entry.Truncate(0);
            entry.Write(fromLine);
            for (long at = 0; at < body.Length;)
            {
                int read = body.Read(chunk.AsSpan(0, (int)Math.Min(ChunkSize, body.Length - at)), at);
                if (read == 0) throw new InvalidDataException($"The message ended after {at} of {body.Length} bytes.");
                at += read;
                lastByte = chunk[read - 1];
                quoter.Write(chunk.AsSpan(0, read), entry);
                Emit(false);
            }
            quoter.Complete(entry);
            entry.Write(MboxQuoting.Terminator(body.Length, lastByte));
            Emit(true);
            return (crc, length);

            void Emit(bool last)
            {
                crc = Crc32.Compute(entry.Span, crc);
                length += entry.Length;
                write(entry.Span, last);
                entry.Truncate(0);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>Packs a chunk, the last of them marked.</summary>
    private delegate void DeflateWriter(ReadOnlySpan<byte> chunk, bool last, PooledBuffer target);

    private static void WriteTrailer(PooledBuffer target, uint crc, long entryLength)
    {
        Span<byte> trailer = target.GetSpan(ArchiveRecordHeader.TrailerLength);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], (uint)entryLength);
        target.Advance(ArchiveRecordHeader.TrailerLength);
    }

    private static ArchivedRecordInfo Describe(
        ArchiveEntry message, ArchiveCompression used, int headerLength, long length, long entryLength, int fromLineLength) => new()
        {
            Id = message.Id,
            Mailbox = message.Mailbox,
            Folder = message.Folder,
            Flags = message.Flags,
            ReceivedDate = message.ReceivedDate.ToUniversalTime(),
            StorageDate = message.StorageDate.ToUniversalTime(),
            DeletionDate = message.DeletionDate?.ToUniversalTime(),
            Compression = used,
            Length = length,
            HeaderLength = headerLength,
            EntryLength = entryLength,
            FromLineLength = fromLineLength,
            BodyLength = message.Body.Length,
            Sha256 = Convert.ToHexStringLower(message.Body.Sha256),
        };
}
