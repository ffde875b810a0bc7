using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// A file of a storage group as it lies in pieces in backup files, to be read where it is. What no piece covers reads as zeros, which no checksum accepts.
/// </summary>
/// <param name="path">What errors call it.</param>
/// <param name="declaredLength">Its length where the backup says so; otherwise it ends with its last piece.</param>
internal sealed class PiecedFile(string path, long declaredLength = 0) : IStorageFile
{
    private readonly List<Piece> pieces = [];

    public string Path => path;

    public long Length => Math.Max(declaredLength, End);

    /// <summary>Where the last piece ends.</summary>
    public long End { get; private set; }

    /// <summary>Adds the next piece. One that does not lie behind all before it is left out: a sound backup has none.</summary>
    /// <param name="at">Where it lies in <paramref name="source"/>.</param>
    public void Add(long start, long length, IStorageFile source, long at)
    {
        if (start < End || length <= 0) return;
        pieces.Add(new Piece(start, length, source, at));
        End = start + length;
    }

    /// <summary>Adds what another file has in front of an offset.</summary>
    public void AddFront(PiecedFile other, long limit)
    {
        foreach (Piece piece in other.pieces)
            if (piece.Start < limit) Add(piece.Start, Math.Min(piece.Length, limit - piece.Start), piece.Source, piece.At);
    }

    /// <summary>Adds all pieces of another file.</summary>
    public void AddAll(PiecedFile other) => AddFront(other, long.MaxValue);

    /// <summary>Where a byte of this file lies in the backup; none where no piece covers it.</summary>
    public (IStorageFile Source, long Offset)? Locate(long offset)
    {
        int found = Find(offset);
        return found >= 0 && offset < pieces[found].Start + pieces[found].Length ? (pieces[found].Source, pieces[found].At + offset - pieces[found].Start) : null;
    }

    public int Read(Span<byte> buffer, long offset)
    {
        if (offset >= Length) return 0;
        int found = Find(offset);
        if (found >= 0 && offset < pieces[found].Start + pieces[found].Length)
        {
            Piece piece = pieces[found];
            return piece.Source.Read(buffer[..(int)Math.Min(buffer.Length, piece.Start + piece.Length - offset)], piece.At + offset - piece.Start);
        }
        long next = found + 1 < pieces.Count ? pieces[found + 1].Start : Length;
        int zeros = (int)Math.Min(buffer.Length, next - offset);
        buffer[..zeros].Clear();
        return zeros;
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException();

    public void Flush() => throw new NotSupportedException();

    public void SetLength(long length) => throw new NotSupportedException();

    /// <summary>Does nothing: the backup files are their owners'.</summary>
    public void Dispose()
    {
    }

    /// <summary>The last piece that begins at or before an offset, or -1.</summary>
    private int Find(long offset)
    {
        int low = 0, high = pieces.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (pieces[middle].Start <= offset) low = middle + 1;
            else high = middle - 1;
        }
        return high;
    }

    private readonly record struct Piece(long Start, long Length, IStorageFile Source, long At);
}
