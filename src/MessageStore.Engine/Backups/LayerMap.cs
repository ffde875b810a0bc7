using System.Buffers.Binary;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>Where the chunks of a layer lie in its file.</summary>
internal sealed class LayerMap
{
    /// <summary>How much is looked through at a time for the next chunk.</summary>
    private const int SearchBytes = 1 << 20;

    private readonly List<long> offsets = [];

    private LayerMap()
    {
    }

    /// <summary>Length of the content in bytes.</summary>
    public long Length { get; private set; }

    public int Chunks => offsets.Count;

    /// <summary>What the layer says of the set; <see langword="null"/> where it was not to be read.</summary>
    public BackupLabel? Label { get; private set; }

    /// <summary>Where a chunk begins; -1 where it was not found.</summary>
    public long this[long number] => offsets[(int)number];

    /// <summary>As the table at the end of the file has it.</summary>
    /// <exception cref="MessageStoreException">BackupIncomplete, BackupDamaged.</exception>
    public static LayerMap Read(IStorageFile file, LayerHeader header, LayerKeys? keys)
    {
        LayerTail tail = LayerTail.Read(file, header, keys, out byte[] end);
        var map = new LayerMap { Length = tail.Length, Label = BackupLabel.Decode(end.AsSpan(0, tail.LabelLength), header.Id, file.Path, tail.LabelOffset) };
        long offset = LayerHeader.Size;
        for (int at = tail.LabelLength; at < end.Length; at += LayerTail.TableEntry)
        {
            map.offsets.Add(offset);
            offset += LayerChunk.HeaderSize + (long)BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(at));
        }
        return offset == tail.LabelOffset ? map : throw LayerFile.Damaged(file.Path, tail.LabelOffset, "the table of its layer does not come to the length of its chunks");
    }

    /// <summary>Looks for the chunks one after the other: for a file whose end is missing, or that has bytes put in or taken out.</summary>
    /// <param name="chunk">Tells a chunk from what only looks like one.</param>
    /// <param name="damage">Told of what lies between chunks and is none.</param>
    public static LayerMap Search(IStorageFile file, LayerHeader header, LayerChunk chunk, Action<long, string> damage, CancellationToken cancellationToken)
    {
        var map = new LayerMap();
        long position = LayerHeader.Size, before = position, end = file.Length;
        Span<byte> head = stackalloc byte[LayerChunk.HeaderSize];
        while (position < end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int read = file.ReadFully(head, position);
            if (!chunk.TryRead(head[..read], out LayerChunk.Header found) || found.Number != map.Chunks)
            {
                // What was taken out brought the next chunk nearer, so it may begin within what the last one should have covered.
                if (Find(file, chunk, before, map.Chunks, cancellationToken) is not { } next) break;
                damage(position, string.Create(CultureInfo.InvariantCulture, $"{next.Header.Number - map.Chunks} chunks of its layer are missing, or lie elsewhere"));
                while (map.Chunks < next.Header.Number) map.offsets.Add(-1);
                (position, found) = (next.Offset, next.Header);
            }
            map.offsets.Add(position);
            map.Length = found.Number * header.ChunkBytes + found.Length;
            if (found.Last) return map;
            before = position + LayerChunk.HeaderSize;
            position += LayerChunk.HeaderSize + found.Stored;
        }
        damage(position, "its layer has no more chunks here, and the last one has not come");
        return map;
    }

    /// <summary>The next whole chunk of this file at or behind a position that may follow: a message may hold a piece of some backup, so its tag is compared.</summary>
    private static (long Offset, LayerChunk.Header Header)? Find(IStorageFile file, LayerChunk chunk, long from, int number, CancellationToken cancellationToken)
    {
        byte[] block = new byte[SearchBytes], whole = new byte[chunk.Largest], content = new byte[chunk.Largest];
        for (long start = from; ; start += SearchBytes - LayerChunk.HeaderSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int read = file.ReadFully(block, start);
            for (int at = 0; block.AsSpan(at, read - at).IndexOf(LayerChunk.MagicBytes) is >= 0 and int next; at++)
            {
                at += next;
                if (!chunk.TryRead(block.AsSpan(at, read - at), out LayerChunk.Header header) || header.Number < number || header.Number > Math.Min(int.MaxValue, file.Length)) continue;
                int length = LayerChunk.HeaderSize + header.Stored;
                if (file.ReadFully(whole.AsSpan(0, length), start + at) == length && chunk.Unpack(whole, header, content.AsSpan(0, header.Length)) is null) return (start + at, header);
            }
            if (read < SearchBytes) return null;
        }
    }
}
