using System.Buffers;
using System.Buffers.Binary;

namespace MessageStore.Remote;

/// <summary>Reads the parcels of one request or response.</summary>
internal sealed class WireReader(Stream stream) : IDisposable
{
    private byte[] buffer = ArrayPool<byte>.Shared.Rent(Wire.ChunkLength + Wire.HeaderLength);
    private int start;
    private int end;

    public WireKind Kind { get; private set; }

    /// <summary>The payload of the parcel read last; good until the next is read.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <summary>Reads the next parcel; false at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">The bytes are no parcel, or are cut off.</exception>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        if (!await FillAsync(Wire.HeaderLength, cancellationToken).ConfigureAwait(false))
            return start == end ? false : throw new InvalidDataException("A parcel is cut off in its header.");
        Kind = (WireKind)buffer[start];
        int length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(start + 1));
        if (Kind is < WireKind.Bytes or > WireKind.Error) throw new InvalidDataException($"There is no parcel of kind {(byte)Kind}.");
        if (length < 0 || length > (Kind == WireKind.Bytes ? Wire.ChunkLength : Wire.LongestJson)) throw new InvalidDataException($"A parcel of kind {Kind} says that it is {length} bytes long.");
        start += Wire.HeaderLength;
        if (!await FillAsync(length, cancellationToken).ConfigureAwait(false)) throw new InvalidDataException($"A parcel of kind {Kind} is cut off.");
        Payload = buffer.AsMemory(start, length);
        start += length;
        return true;
    }

    public void Dispose()
    {
        byte[] mine = buffer;
        buffer = [];
        if (mine.Length > 0) ArrayPool<byte>.Shared.Return(mine);
    }

    /// <summary>Makes sure that so many bytes are there; the buffer grows with what has come, not with what a header claims.</summary>
    private async ValueTask<bool> FillAsync(int wanted, CancellationToken cancellationToken)
    {
        while (end - start < wanted)
        {
            if (start > 0)
            {
                Buffer.BlockCopy(buffer, start, buffer, 0, end - start);
                end -= start;
                start = 0;
            }
            if (end == buffer.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                Buffer.BlockCopy(buffer, 0, larger, 0, end);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
            int read = await stream.ReadAsync(buffer.AsMemory(end), cancellationToken).ConfigureAwait(false);
            if (read == 0) return false;
            end += read;
        }
        return true;
    }
}
