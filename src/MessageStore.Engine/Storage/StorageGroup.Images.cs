using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// Placing copies of images: room is reserved on the committer's thread, the bytes are written on the caller's, and the index is pointed at them only
/// then and only where it still points at the old ones. No transaction is needed: until a checkpoint records the new place, opening finds the old.
/// </summary>
internal sealed partial class StorageGroup
{
    /// <summary>Copies one image of any length to the end of the store and points the index at the copy. What lay there stays untouched.</summary>
    /// <param name="old">The message as the index has it.</param>
    /// <param name="image">The same with the summary length of the copy.</param>
    /// <returns>What is wrong with the source; <see langword="null"/> where the copy was made, or the message has gone or moved in the meantime.</returns>
    private async Task<string?> CopyImageAsync(IndexEntry old, IndexEntry image, ImageSource source, CancellationToken cancellationToken)
    {
        byte[] frame = ArrayPool<byte>.Shared.Rent(ImageFrames.Longest);
        (Segment Segment, long Offset) room = await ReserveAsync(image.ImageLength).ConfigureAwait(false);
        bool copied = false;
        try
        {
            int parts = ImageFrames.Count(image);
            for (int part = 0; part < parts; part++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int length = ImageFrames.LengthOf(image, part);
                int read = source.Read(part, frame.AsSpan(0, length));
                if (ImageFrames.Problem(frame.AsSpan(0, read), image, part, Identity.Salt) is { } problem) return problem;
                SegmentStore.Write(room.Segment, frame.AsSpan(0, length), room.Offset + ImageFrames.OffsetOf(image, part));
            }
            copied = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "copying a message", room.Segment.File.Path);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
            if (!copied) await GiveBackAsync(room.Segment, room.Offset, image.ImageLength).ConfigureAwait(false);
        }
        await RelocateAsync([(old, image.SummaryLength)], room.Segment, room.Offset).ConfigureAwait(false);
        return null;
    }

    /// <summary>Room at the end of the store that is ours to write to. The file is as long as its segment at once, or a checkpoint could record more than is there.</summary>
    private Task<(Segment Segment, long Offset)> ReserveAsync(long length) => committer.RunAsync(() =>
    {
        if (committer.Failure is { } closed) throw closed;
        Segment? before = segments.Current;
        long lengthBefore = before?.Length ?? 0;
        try
        {
            (Segment Segment, long Offset) room = segments.Reserve(length);
            SegmentStore.Extend(room.Segment);
            return room;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            segments.Rewind(before, lengthBefore);
            throw StorageErrors.Wrap(error, "making room for messages", segments.Folder);
        }
    });

    /// <summary>Room that nobody needs goes back where nothing was put behind it; otherwise it is dead space.</summary>
    private Task<bool> GiveBackAsync(Segment segment, long offset, long length) => committer.RunAsync(() =>
    {
        if (!ReferenceEquals(segments.Current, segment) || segment.Length != offset + length) return false;
        segments.Rewind(segment, offset);
        return true;
    });

    /// <summary>Points the index at copies that lie one behind the other, where it still points at the originals.</summary>
    /// <returns>The number of messages that have their copy now.</returns>
    private Task<int> RelocateAsync(IReadOnlyList<(IndexEntry Old, ushort SummaryLength)> images, Segment segment, long offset) => committer.RunAsync(() =>
    {
        int moved = 0;
        lock (index.Gate)
        {
            foreach ((IndexEntry old, ushort summaryLength) in images)
            {
                IndexEntry image = old;
                image.SummaryLength = summaryLength;
                int slot = index.Find(old.Id);
                if (slot >= 0 && index.Entry(slot) is var now && now.Segment == old.Segment && now.Offset8 == old.Offset8)
                {
                    segments.CountLive(old.Segment, -old.ImageLength);
                    index.Relocate(slot, segment.Number, offset, summaryLength);
                    segments.CountLive(segment.Number, image.ImageLength);
                    moved++;
                }
                offset += image.ImageLength;
            }
        }
        return moved;
    });
}
