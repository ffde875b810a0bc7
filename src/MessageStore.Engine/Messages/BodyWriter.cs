using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Messages;

/// <summary>
/// Gathers one message as it arrives in pieces: in a rented buffer up to <see cref="MessageBody.MemoryLimit"/>, in a temporary file beyond. Trouble
/// (too long a message, a full temporary disk) does not interrupt the one who writes: what follows is only counted, and <see cref="Complete"/> throws.
/// So a reader can go on to the next message of its file.
/// </summary>
internal sealed class BodyWriter(string origin, long lengthLimit = MessageBody.LengthLimit) : IByteSink, IDisposable
{
    private const int FirstBuffer = 16 << 10;

    private byte[]? buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    private int buffered;
    private BodySpool? spool;
    private MessageStoreException? failure;

    /// <summary>Bytes written so far, also those that were not kept.</summary>
    public long Length { get; private set; }

    /// <summary>Adds the next bytes of the message. Never throws on account of a device or of the length.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        if (failure is not null) return;
        if (Length > lengthLimit)
        {
            Fail(new MessageStoreException(ErrorIds.MessageTooLarge, ErrorKind.InvalidArgument,
                $"{origin} is longer than {lengthLimit} bytes, the longest message that can be stored.", origin));
            return;
        }
        try
        {
            if (spool is null && buffered + bytes.Length > MessageBody.MemoryLimit) spool = new BodySpool();
            while (!bytes.IsEmpty)
            {
                if (buffered == buffer!.Length) MakeRoom(bytes.Length);
                int count = Math.Min(bytes.Length, buffer.Length - buffered);
                bytes[..count].CopyTo(buffer.AsSpan(buffered));
                buffered += count;
                bytes = bytes[count..];
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Fail(StorageErrors.Wrap(error, $"spooling {origin}", spool?.Path ?? Path.GetTempPath()));
        }
    }

    /// <summary>Ends the message.</summary>
    /// <exception cref="MessageStoreException">MessageTooLarge, DiskFull, AccessDenied, DeviceFailed.</exception>
    public MessageBody Complete()
    {
        if (failure is null && spool is not null)
        {
            try
            {
                spool.Append(buffer.AsSpan(0, buffered));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Fail(StorageErrors.Wrap(error, $"spooling {origin}", spool.Path));
            }
        }
        if (failure is not null) throw failure;
        if (spool is not null)
        {
            var body = new SpooledBody(spool);
            spool = null;
            Dispose();
            return body;
        }
        byte[] rented = buffer!;
        buffer = null;
        return new MemoryBody(rented.AsMemory(0, buffered), rented);
    }

    public void Dispose()
    {
        if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        buffer = null;
        spool?.Dispose();
        spool = null;
    }

    private void MakeRoom(int wanted)
    {
        if (spool is null || buffered < MessageBody.MemoryLimit)
        {
            Grow(wanted);
            return;
        }
        spool.Append(buffer.AsSpan(0, buffered));
        buffered = 0;
    }

    private void Grow(int wanted)
    {
        int size = (int)Math.Min(Math.Max(buffered * 2L, buffered + (long)wanted), MessageBody.MemoryLimit);
        byte[] larger = ArrayPool<byte>.Shared.Rent(size);
        buffer.AsSpan(0, buffered).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer!);
        buffer = larger;
    }

    private void Fail(MessageStoreException error)
    {
        failure = error;
        Dispose();
    }
}
