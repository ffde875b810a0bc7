using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Searching;

/// <summary>
/// A run that is on disk: whole and never changed again. Memory holds its directory and where its messages are in the store's index. Counted references: its file is closed, and deleted where it
/// was replaced, when the last question that reads it has ended.
/// </summary>
internal sealed class SearchRun : IDisposable
{
    private readonly IStorage storage;
    private readonly IStorageFile file;
    private readonly uint salt;
    private readonly long idsOffset;
    private readonly List<Block> blocks;
    private int references = 1;
    private bool isDoomed;

    private SearchRun(IStorage storage, IStorageFile file, uint salt, int first, int last, long idsOffset, int documents, List<Block> blocks)
    {
        this.storage = storage;
        this.file = file;
        this.salt = salt;
        this.idsOffset = idsOffset;
        this.blocks = blocks;
        First = first;
        Last = last;
        Slots = new int[documents];
    }

    /// <summary>The numbers that it stands for, which are its name.</summary>
    public int First { get; }

    public int Last { get; }

    public string Path => file.Path;

    public int DocumentCount => Slots.Length;

    public long PostingCount { get; private init; }

    /// <summary>Characters of text that its messages had, as far as they were read.</summary>
    public long TextLength { get; private init; }

    /// <summary>Messages of which not all text was read.</summary>
    public int CutCount { get; private init; }

    public long FileLength { get; private init; }

    public int BlockCount => blocks.Count;

    /// <summary>Slot of each document's message in the store's index; -1 where the store does not have it.</summary>
    public int[] Slots { get; }

    /// <summary>Opens a run and reads its directory.</summary>
    /// <exception cref="FormatException">The file is not a whole run of this group.</exception>
    /// <exception cref="IOException">The device failed.</exception>
    public static SearchRun Open(IStorage storage, string path, GroupIdentity identity)
    {
        if (!RunFormat.TryParseName(path, out int first, out int last)) throw new FormatException($"{path} is no name of a run.");
        IStorageFile file = storage.Open(path, FileAccessKind.Read);
        try
        {
            GroupFileHeader header = GroupFileHeader.Read(file, out int idsOffset) ?? throw new FormatException($"{path} has no valid header.");
            if (header.Kind != GroupFileKind.SearchRun || header.Identity.Salt != identity.Salt || header.Identity.DatabaseId != identity.DatabaseId || header.Number != (ulong)last)
                throw new FormatException($"{path} is not a run of storage group {identity.Name}.");
            long footerOffset = file.Length - FrameHeader.FrameLength(RunFormat.FooterLength);
            if (footerOffset < idsOffset) throw new FormatException($"{path} is too short.");
            using var footerReader = new SnapshotFrameReader(file, identity.Salt, footerOffset, (ulong)last);
            if (footerReader.Next(out ReadOnlySpan<byte> footer) != FileFrameType.SearchEnd || footer.Length != RunFormat.FooterLength || BinaryPrimitives.ReadInt32LittleEndian(footer) != RunFormat.Version)
                throw new FormatException($"{path} has no footer that this version knows.");
            int documents = checked((int)BinaryPrimitives.ReadInt64LittleEndian(footer[8..]));
            int frames = BinaryPrimitives.ReadInt32LittleEndian(footer[48..]);
            var run = new SearchRun(storage, file, identity.Salt, first, last, idsOffset, documents, ReadDirectory(file, identity.Salt, BinaryPrimitives.ReadInt64LittleEndian(footer[40..]), (ulong)last, frames))
            {
                CutCount = BinaryPrimitives.ReadInt32LittleEndian(footer[4..]),
                PostingCount = BinaryPrimitives.ReadInt64LittleEndian(footer[24..]),
                TextLength = BinaryPrimitives.ReadInt64LittleEndian(footer[32..]),
                FileLength = file.Length,
            };
            Array.Fill(run.Slots, -1);
            return run;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads the Ids of up to <see cref="RunFormat.IdsPerFrame"/> documents.</summary>
    /// <param name="number">Which frame of Ids.</param>
    /// <param name="buffer">At least <see cref="RunFormat.IdFrameLength"/> bytes.</param>
    /// <returns>The Ids, 16 bytes each.</returns>
    /// <exception cref="FormatException">The frame is damaged.</exception>
    public ReadOnlySpan<byte> ReadIds(int number, byte[] buffer)
    {
        int documents = Math.Min(RunFormat.IdsPerFrame, DocumentCount - number * RunFormat.IdsPerFrame);
        return ReadFrame(idsOffset + (long)number * RunFormat.IdFrameLength, documents * RunFormat.IdSize, FileFrameType.SearchIds, buffer);
    }

    /// <summary>The Id of one document.</summary>
    public UInt128Bytes IdOf(int document, byte[] buffer) =>
        UInt128Bytes.Read(ReadIds(document / RunFormat.IdsPerFrame, buffer)[(document % RunFormat.IdsPerFrame * RunFormat.IdSize)..]);

    /// <summary>Reads a block of terms.</summary>
    public ReadOnlySpan<byte> ReadBlock(int number, [NotNull] ref byte[]? buffer)
    {
        Block block = blocks[number];
        int length = FrameHeader.FrameLength(block.Length);
        if (buffer is null || buffer.Length < length) buffer = new byte[length];
        return ReadFrame(block.Offset, block.Length, FileFrameType.SearchBlock, buffer);
    }

    public ReadOnlySpan<byte> FirstTermOf(int block) => blocks[block].Term;

    public int FirstDocumentOf(int block) => blocks[block].Document;

    /// <summary>The last block that begins with a lesser term: where a term is looked for.</summary>
    public int BlockBefore(ReadOnlySpan<byte> term)
    {
        int low = 0, high = blocks.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (FirstTermOf(middle).SequenceCompareTo(term) < 0) low = middle + 1;
            else high = middle;
        }
        return Math.Max(low - 1, 0);
    }

    /// <summary>Takes part in the run; <see langword="false"/> where it is closed already.</summary>
    public bool TryAcquire()
    {
        for (int seen = Volatile.Read(ref references); seen > 0; seen = Volatile.Read(ref references))
            if (Interlocked.CompareExchange(ref references, seen + 1, seen) == seen)
                return true;
        return false;
    }

    /// <summary>The file goes when nobody reads it any more.</summary>
    public void Doom() => Volatile.Write(ref isDoomed, true);

    public void Dispose()
    {
        if (Interlocked.Decrement(ref references) > 0) return;
        file.Dispose();
        if (!Volatile.Read(ref isDoomed)) return;
        try
        {
            storage.DeleteFile(Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is covered by the run that took its place: the next opening deletes it.
        }
    }

    private ReadOnlySpan<byte> ReadFrame(long offset, int payloadLength, FileFrameType type, byte[] buffer)
    {
        Span<byte> frame = buffer.AsSpan(0, FrameHeader.Size + payloadLength);
        int read = file.ReadFully(frame, offset);
        if (!FrameHeader.TryRead(frame[..read], salt, out FrameHeader header) || header.Lsn != (ulong)Last || header.Type != (byte)type || header.PayloadLength != payloadLength
            || read < frame.Length || !header.Matches(frame[FrameHeader.Size..], salt))
            throw new FormatException($"{Path} is damaged at offset {offset}.");
        return frame[FrameHeader.Size..];
    }

    private static List<Block> ReadDirectory(IStorageFile file, uint salt, long offset, ulong lsn, int frames)
    {
        var blocks = new List<Block>();
        using var reader = new SnapshotFrameReader(file, salt, offset, lsn);
        long position = 0;
        for (int i = 0; i < frames; i++)
        {
            if (reader.Next(out ReadOnlySpan<byte> payload) != FileFrameType.SearchDirectory) throw new FormatException($"{file.Path} lacks a part of its directory.");
            byte[] term = [];
            for (int at = 0; at < payload.Length;)
            {
                int shared = Varint.ReadInt(payload, ref at), rest = Varint.ReadInt(payload, ref at);
                if (shared > term.Length || rest > payload.Length - at) throw new FormatException($"{file.Path} has a directory that makes no sense.");
                term = [.. term.AsSpan(0, shared), .. payload.Slice(at, rest)];
                at += rest;
                int document = Varint.ReadInt(payload, ref at);
                position += checked((long)Varint.Read(payload, ref at));
                blocks.Add(new Block(term, position, Varint.ReadInt(payload, ref at), document));
            }
        }
        return blocks;
    }

    private readonly record struct Block(byte[] Term, long Offset, int Length, int Document);
}
