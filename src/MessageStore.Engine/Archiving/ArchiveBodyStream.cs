using System.Buffers;
using System.IO.Compression;
using MessageStore.IO;
using MessageStore.Messages;

namespace MessageStore.Archiving;

/// <summary>
/// The body of a large archive record, unpacked and unquoted as it is read, in bounded memory. CRC-32 and length are compared at the end, before the
/// last bytes are handed out; the SHA-256 is its opener's to compare. Forward only, not thread-safe; the file stays open.
/// </summary>
internal sealed class ArchiveBodyStream : ReadStream
{
    /// <summary>Bytes unpacked at a time.</summary>
    public const int ChunkSize = 256 << 10;

    private readonly IStorageFile file;
    private readonly ArchivedRecordInfo info;
    private readonly DeflateSource source;
    private readonly DeflateStream inflate;
    private readonly MboxUnquoter unquoter = new();
    private readonly byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);
    private readonly PooledBuffer ready = new(ChunkSize * 2);
    private int taken;
    private long unpacked;
    private long delivered;
    private uint crc;
    private bool ended;
    private bool disposed;

    public ArchiveBodyStream(IStorageFile file, ArchivedRecordInfo info)
    {
        this.file = file;
        this.info = info;
        long deflated = info.Length - info.HeaderLength - ArchiveRecordHeader.TrailerLength;
        source = new DeflateSource(new BufferedStream(new StorageFileStream(file, info.Offset + info.HeaderLength, deflated), ChunkSize), deflated);
        inflate = new DeflateStream(source, CompressionMode.Decompress);
    }

    public override bool CanRead => !disposed;

    public override long Length => info.BodyLength;

    public override long Position
    {
        get => delivered;
        set => throw new NotSupportedException();
    }

    /// <exception cref="MessageStoreException">ArchiveDamaged, ArchiveUnavailable.</exception>
    public override int Read(Span<byte> target)
    {
        ObjectDisposedException.ThrowIf(disposed, this);

        // The last bytes of the message stay here until the end of the entry has been seen and found good.
        try
        {
            while (!ended && (taken == ready.Length || delivered + ready.Length - taken >= info.BodyLength)) Fill();
        }
        catch (Exception error) when (ArchiveErrors.IsDevice(error))
        {
            throw ArchiveErrors.Wrap(error, "reading a message", file.Path);
        }
        int count = (int)Math.Min(Math.Min(target.Length, ready.Length - taken), info.BodyLength - delivered);
        ready.Span.Slice(taken, count).CopyTo(target);
        taken += count;
        delivered += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposed)
        {
            disposed = true;
            inflate.Dispose();
            ready.Dispose();
            ArrayPool<byte>.Shared.Return(chunk);
        }
        base.Dispose(disposing);
    }

    private void Fill()
    {
        if (taken == ready.Length)
        {
            ready.Truncate(0);
            taken = 0;
        }
        int count = Unpack();
        crc = Crc32.Compute(chunk.AsSpan(0, count), crc);
        int fromLine = (int)Math.Clamp(info.FromLineLength - unpacked, 0, count);
        unpacked += count;
        if (unpacked > info.EntryLength) throw ArchiveRecordReader.Damaged(file, info, "it unpacks to more than it says");
        unquoter.Write(chunk.AsSpan(fromLine, count - fromLine), ready);
        if (unpacked == info.EntryLength || count == 0) End();
    }

    private void End()
    {
        ended = true;
        unquoter.Complete(ready);
        if (Unpack() > 0) throw ArchiveRecordReader.Damaged(file, info, "it unpacks to more than it says");
        if (!source.IsUsedUp) throw ArchiveRecordReader.Damaged(file, info, ArchiveRecordReader.NotEnded);
        Span<byte> trailer = stackalloc byte[ArchiveRecordHeader.TrailerLength];
        if (file.ReadFully(trailer, info.Offset + info.Length - trailer.Length) < trailer.Length)
            throw ArchiveRecordReader.Damaged(file, info, "the file ends within the record");
        ArchiveRecordReader.CheckTrailer(file, info, trailer, crc, unpacked);
        if (delivered + ready.Length - taken < info.BodyLength) throw ArchiveRecordReader.Damaged(file, info, "the message is shorter than it says");
    }

    private int Unpack()
    {
        try
        {
            return inflate.ReadAtLeast(chunk.AsSpan(0, ChunkSize), ChunkSize, throwOnEndOfStream: false);
        }
        catch (InvalidDataException error)
        {
            throw ArchiveRecordReader.Damaged(file, info, error.Message.TrimEnd('.'));
        }
    }
}
