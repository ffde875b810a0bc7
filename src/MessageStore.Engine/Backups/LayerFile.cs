using System.Buffers;
using System.Globalization;
using MessageStore.IO;

namespace MessageStore.Backups;

/// <summary>
/// What a compressed or encrypted backup file unpacks to, to be read anywhere. Chunks that were read last are kept; one who reads on gets the next ones unpacked ahead on other
/// cores. Thread-safe.
/// </summary>
internal sealed class LayerFile : IStorageFile
{
    /// <summary>Chunks unpacked ahead of a reader who goes from front to back.</summary>
    private static readonly int Ahead = Math.Clamp(Environment.ProcessorCount, 2, 8);

    /// <summary>Chunks kept: with those of the default length 5 MiB at most.</summary>
    private static readonly int Kept = Ahead + 12;

    private readonly IStorageFile file;
    private readonly LayerHeader header;
    private readonly LayerKeys? keys;
    private readonly LayerChunk chunk;
    private readonly LayerMap map;
    private readonly List<BackupDamage>? damage;
    private readonly Lock gate = new();
    private readonly Dictionary<long, Slot> slots = [];
    private readonly HashSet<long> reported = [];
    private long uses;
    private long lastRead = -2;

    /// <param name="file">Disposed with this one, or at once where this fails.</param>
    /// <param name="damage">Gets what is damaged, and chunks that are read as zeros; <see langword="null"/>: damage is an error.</param>
    /// <exception cref="MessageStoreException">BackupKeyRequired, BackupKeyWrong, BackupDamaged, BackupIncomplete, BackupFormatTooNew.</exception>
    public LayerFile(IStorageFile file, BackupKey? key, List<BackupDamage>? damage, CancellationToken cancellationToken)
    {
        this.file = file;
        this.damage = damage;
        header = LayerHeader.Read(file);
        keys = BackupKey.For(header, key, file.Path);
        try
        {
            chunk = new LayerChunk(header, keys);
            map = MakeMap(cancellationToken);
        }
        catch
        {
            keys?.Dispose();
            throw;
        }
    }

    public string Path => file.Path;

    /// <summary>Length of the content in bytes.</summary>
    public long Length => map.Length;

    /// <summary>What the layer says of the set; <see langword="null"/> where its end is damaged.</summary>
    public BackupLabel? Label => map.Label;

    public int Read(Span<byte> buffer, long offset)
    {
        if (offset >= Length || buffer.IsEmpty) return 0;
        (long number, long start) = Math.DivRem(offset, header.ChunkBytes);
        Slot slot = Take(number);
        try
        {
            slot.Load.GetAwaiter().GetResult();
            int count = (int)Math.Min(buffer.Length, slot.Length - start);
            slot.Content.AsSpan((int)start, count).CopyTo(buffer);
            return count;
        }
        finally
        {
            lock (gate) slot.Readers--;
        }
    }

    public void Write(ReadOnlySpan<byte> buffer, long offset) => throw new NotSupportedException();

    public void Flush() => throw new NotSupportedException();

    public void SetLength(long length) => throw new NotSupportedException();

    public void Dispose()
    {
        Slot[] pending;
        lock (gate) pending = [.. slots.Values];
        foreach (Slot slot in pending)
        {
            Task.WaitAny(slot.Load); // whatever comes of it
            ArrayPool<byte>.Shared.Return(slot.Content);
        }
        slots.Clear();
        file.Dispose();
        keys?.Dispose();
    }

    public static MessageStoreException Damaged(string path, long offset, string what) => new(ErrorIds.BackupDamaged, ErrorKind.Damaged,
        string.Create(CultureInfo.InvariantCulture, $"Backup {path} is damaged at offset {offset} of the file: {what}. Use another backup."), path);

    private LayerMap MakeMap(CancellationToken cancellationToken)
    {
        try
        {
            return LayerMap.Read(file, header, keys);
        }
        catch (MessageStoreException error) when (damage is not null && error.Kind == ErrorKind.Damaged)
        {
            damage.Add(new BackupDamage { Path = Path, Offset = 0, Length = 0, Part = "layer", Problem = error.Message });
            return LayerMap.Search(file, header, chunk, (at, what) => Report(-1, at, what), cancellationToken);
        }
    }

    /// <summary>A chunk, whose reader it counts; the caller takes itself off.</summary>
    private Slot Take(long number)
    {
        lock (gate)
        {
            Slot slot = Get(number);
            slot.Readers++;
            bool goesOn = number == lastRead + 1;
            if (goesOn) for (long next = number + 1; next <= number + Ahead && next < map.Chunks; next++) Get(next);
            if (goesOn || number != lastRead) lastRead = number;
            return slot;
        }
    }

    private Slot Get(long number)
    {
        if (!slots.TryGetValue(number, out Slot? slot))
        {
            if (slots.Count >= Kept && slots.Values.Where(s => s.Readers == 0 && s.Load.IsCompleted).MinBy(s => s.Used) is { } oldest)
            {
                slots.Remove(oldest.Number);
                ArrayPool<byte>.Shared.Return(oldest.Content);
            }
            slots[number] = slot = new Slot(number, (int)Math.Min(header.ChunkBytes, Length - number * header.ChunkBytes));
            slot.Load = Task.Run(() => Fill(slot));
        }
        slot.Used = ++uses;
        return slot;
    }

    private void Fill(Slot slot)
    {
        long offset = map[slot.Number];
        string? problem = offset < 0 ? "a chunk of its layer is missing" : Unpack(slot, offset);
        if (problem is null) return;
        if (damage is null) throw Damaged(Path, offset, problem);
        slot.Content.AsSpan(0, slot.Length).Clear();
        if (offset >= 0) Report(slot.Number, offset, problem);
    }

    private string? Unpack(Slot slot, long offset)
    {
        byte[] whole = ArrayPool<byte>.Shared.Rent(chunk.Largest);
        try
        {
            int read = file.ReadFully(whole.AsSpan(0, LayerChunk.HeaderSize), offset);
            bool isLast = slot.Number == map.Chunks - 1;
            if (!chunk.TryRead(whole.AsSpan(0, read), out LayerChunk.Header found) || found.Number != slot.Number || found.Length != slot.Length || (damage is null && found.Last != isLast)
                || (damage is null && !isLast && offset + LayerChunk.HeaderSize + found.Stored != map[slot.Number + 1]))
                return "there is no chunk of its layer where one should be";
            if (file.ReadFully(whole.AsSpan(LayerChunk.HeaderSize, found.Stored), offset + LayerChunk.HeaderSize) < found.Stored) return "a chunk of its layer is cut off";
            string? problem = chunk.Unpack(whole, found, slot.Content.AsSpan(0, slot.Length));
            return problem is null ? null : $"a chunk of its layer is not what was written: {problem}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the backup", Path);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <summary>Notes damage by what it costs of the content.</summary>
    private void Report(long number, long offset, string problem)
    {
        lock (reported)
        {
            if (number >= 0 && !reported.Add(number)) return;
        }
        lock (damage!) damage.Add(new BackupDamage
        {
            Path = Path,
            Offset = number < 0 ? 0 : number * header.ChunkBytes,
            Length = number < 0 ? 0 : header.ChunkBytes,
            Part = number < 0 ? "layer" : string.Create(CultureInfo.InvariantCulture, $"layer, chunk {number}"),
            Problem = string.Create(CultureInfo.InvariantCulture, $"at offset {offset} of the file {problem}"),
        });
    }

    private sealed class Slot(long number, int length)
    {
        public long Number => number;

        public int Length => length;

        public byte[] Content { get; } = ArrayPool<byte>.Shared.Rent(length);

        public Task Load { get; set; } = Task.CompletedTask;

        public int Readers { get; set; }

        public long Used { get; set; }
    }
}
