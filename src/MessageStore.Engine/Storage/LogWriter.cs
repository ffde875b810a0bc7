using MessageStore.IO;

namespace MessageStore.Storage;

/// <summary>
/// Writes the current log file of a group. Used by the committer alone. Space is allocated ahead with zeros, so that a flush finds the file's size and
/// blocks in place and has nothing but the data to write: half the time of a flush that must also record growth. Everything is written in whole blocks from where they lie,
/// past the system's cache where that is possible: nobody reads the log soon, and pages for it cost more than writing it.
/// </summary>
internal sealed class LogWriter : IDisposable
{
    /// <summary>Bytes of zeros that are written ahead in a new file; the next steps double up to <see cref="LargestStep"/>.</summary>
    public const int UsualStep = 256 << 10;

    private const int LargestStep = 512 << 10;

    /// <summary>
    /// From this many bytes in one write on, recording the growth costs a flush less than writing as many zeros ahead would.
    /// </summary>
    private const int GrowingPays = 128 << 10;

    /// <summary>What is durable leaves the system's cache after this many bytes: a call for each small flush would cost more than it saves.</summary>
    private const int DropStep = 64 << 10;

    private static readonly ReadOnlyMemory<byte> Zeros = LogBuffer.Allocate(LargestStep);

    private readonly IStorage storage;
    private readonly string folder;
    private readonly GroupIdentity identity;
    private readonly int smallestStep;
    private readonly SpareLogs? spares;
    private readonly LogBuffer buffer = new();
    private IStorageFile? file;
    private long allocated;
    private long end;
    private int step;
    private long dropped;
    private bool hasOlderContent;

    /// <param name="spares">Files to be used again; by default none.</param>
    public LogWriter(IStorage storage, string folder, GroupIdentity identity, int smallestStep = UsualStep, SpareLogs? spares = null)
    {
        this.spares = spares;
        this.storage = storage;
        this.folder = folder;
        this.identity = identity;
        this.smallestStep = (int)LogBuffer.RoundUp(smallestStep);
    }

    public string Path => file?.Path ?? "";

    /// <summary>Where the next frame goes.</summary>
    public long Tail { get; private set; }

    public ulong FirstLsn { get; private set; }

    public GroupFileKind Kind { get; private set; }

    /// <summary>Named by the header of every file that is begun from now on.</summary>
    public IReadOnlyList<GroupHistory> Histories { get; set; } = [];

    /// <summary>
    /// Whether a new file was begun that could be neither used nor removed, or the old one's flush failed: then nothing may be written any more.
    /// </summary>
    public bool IsStranded { get; private set; }

    /// <summary>
    /// Goes on with a file that recovery has read up to <paramref name="tail"/>; whatever lies beyond is cut off, and what lies before is made durable.
    /// </summary>
    /// <param name="doubtful">
    /// Where the last group commit begins: nothing says that its flush ever succeeded (<see cref="DoubtfulTail"/>).
    /// </param>
    public void Resume(LogFile existing, long tail, long doubtful)
    {
        IStorageFile opened = storage.Open(existing.Path, FileAccessKind.ReadWrite);
        byte[] lastBlock = new byte[tail & (LogBuffer.BlockSize - 1)];
        try
        {
            if (opened.Length > tail) opened.SetLength(tail);
            DoubtfulTail.MakeDurable(opened, doubtful, tail);
            opened.ReadFully(lastBlock, tail - lastBlock.Length);
            storage.FlushFolder(folder);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        Take(opened, existing.FirstLsn, existing.Kind, tail, lastBlock);
    }

    /// <summary>Closes the current file at its tail and begins a new one, durable by name and header before this returns.</summary>
    /// <param name="nextLsn">LSN of the first transaction to come; everything before it is durable.</param>
    /// <param name="time">UTC ticks.</param>
    public void Rotate(GroupFileKind kind, ulong nextLsn, long time)
    {
        if (file is not null && FirstLsn == nextLsn && Kind == kind) return;
        string path = System.IO.Path.Combine(folder, LogFiles.NameOf(nextLsn, kind));
        byte[] header = new GroupFileHeader(kind, identity, nextLsn) { Histories = Histories }.Encode(nextLsn - 1, time);
        CutOlderContent();
        IStorageFile? created = null;
        long usedAgain = 0;
        try
        {
            created = spares?.TryTake(path, header, out usedAgain);
            if (created is null)
            {
                created = storage.Open(path, FileAccessKind.CreateOrTruncate);
                created.Write(header, 0);
                created.Flush();
            }
            storage.FlushFolder(folder);
        }
        catch
        {
            created?.Dispose();
            Forget(path);
            throw;
        }
        ulong oldFirst = FirstLsn;
        string oldPath = Path;
        bool oldIsEmpty = file is not null && oldFirst == nextLsn;
        Trim(Tail);
        Take(created, nextLsn, kind, header.Length, header.AsSpan(header.Length & -LogBuffer.BlockSize));
        if (usedAgain > 0) (allocated, hasOlderContent) = (LogBuffer.RoundUp(usedAgain), true);
        // A file that never got a transaction would share its first LSN with the new one: one of the two must go.
        if (!oldIsEmpty) return;
        try
        {
            storage.DeleteFile(oldPath);
            storage.FlushFolder(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Recovery takes the one of the two that holds transactions.
        }
    }

    /// <summary>
    /// Undoes the beginning of a file. Transactions go on in the old one, and recovery would believe the new one's name: that they are to be found
    /// there. It must be gone for certain.
    /// </summary>
    private void Forget(string path)
    {
        try
        {
            storage.DeleteFile(path);
            storage.FlushFolder(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            IsStranded = true;
        }
    }

    /// <summary>Memory for frames, which <see cref="Write"/> or <see cref="WriteWitness"/> writes; theirs until it is asked for again.</summary>
    /// <param name="length">Bytes.</param>
    public Span<byte> Frames(int length) => buffer.Frames(length);

    /// <summary>
    /// Writes <see cref="Frames"/> at the tail without making them durable and without moving the tail: that is <see cref="Flush"/>'s. The bytes of the block in which the tail lies
    /// are written over with themselves, and zeros fill the last block up.
    /// </summary>
    /// <param name="length">Bytes of frames.</param>
    public void Write(int length)
    {
        end = Tail;
        ReadOnlySpan<byte> blocks = buffer.Blocks(length);
        long start = Tail & -LogBuffer.BlockSize;
        long needed = start + blocks.Length;
        if (length >= GrowingPays) allocated = Math.Max(allocated, needed);
        while (allocated < needed)
        {
            file!.Write(Zeros.Span[..step], allocated);
            allocated += step;
            step = Math.Min(step * 2, LargestStep);
        }
        file!.Write(blocks, start);
    }

    /// <summary>Makes the frames written last durable and moves the tail behind them.</summary>
    public void Flush(int length)
    {
        file!.Flush();
        buffer.Pass(length);
        Tail += length;
        // Only a backup reads it again; where the system's cache was passed by there is nothing to let go. The page of the tail stays: the next frames go into it.
        long whole = Tail & -LogBuffer.BlockSize;
        if (whole - dropped < DropStep) return;
        file.DropCache(dropped, whole - dropped);
        dropped = whole;
    }

    /// <summary>Puts a frame behind the tail that is no transaction and whose place the next one takes.</summary>
    /// <inheritdoc cref="Write"/>
    public void WriteWitness(int length)
    {
        Write(length);
        end = Tail + length;
    }

    public void FlushWitness() => file!.Flush();

    /// <summary>After a failed <see cref="Write"/>: makes sure that nothing of it can come back to life, and that it took nothing with it that was there before.</summary>
    /// <exception cref="IOException">And what the disk raises: it is not known what the log holds, and nothing may be written behind it.</exception>
    public void CutBack()
    {
        file!.SetLength(Tail);
        allocated = LogBuffer.RoundUp(Tail);
        end = Tail;
        file.Flush();
        hasOlderContent = false;

        // The write went over the block of the tail as well, and where the medium failed it may have spoilt what was acknowledged long ago.
        ReadOnlySpan<byte> expected = buffer.LastBlock;
        Span<byte> there = stackalloc byte[LogBuffer.BlockSize];
        int read = file.ReadFully(there[..expected.Length], Tail - expected.Length);
        if (!there[..read].SequenceEqual(expected)) throw new IOException($"The last block of {file.Path} is not what was written to it, after a write that failed.");
        file.BypassCache(); // which reading it had ended
    }

    /// <summary>Gives back the space of files that were kept to be used again.</summary>
    public void ClearSpares() => spares?.Clear();

    /// <summary>
    /// Takes off, for certain and before the next file has a name, what a file that is used again held before: whoever copies a closed log, or saves what can be saved from it, finds
    /// nothing behind its last frame.
    /// </summary>
    private void CutOlderContent()
    {
        if (!hasOlderContent) return;
        long length = Math.Max(Tail, end);
        file!.SetLength(length);
        allocated = LogBuffer.RoundUp(length);
        try
        {
            file.Flush();
        }
        catch
        {
            IsStranded = true;
            throw;
        }
        hasOlderContent = false;
    }

    /// <summary>Gives back the space allocated ahead, but for a witness, and closes the file.</summary>
    public void Dispose()
    {
        Trim(Math.Max(Tail, end));
        file = null;
    }

    private void Trim(long length)
    {
        if (file is null) return;
        try
        {
            if (allocated > length) file.SetLength(length);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What lies behind the last frame of the newest file costs space and nothing else: the next opening cuts it.
        }
        file.Dispose();
    }

    /// <param name="lastBlock">What the block of the tail holds before it.</param>
    private void Take(IStorageFile taken, ulong firstLsn, GroupFileKind kind, long tail, ReadOnlySpan<byte> lastBlock)
    {
        taken.BypassCache();
        buffer.Hold(lastBlock);
        file = taken;
        FirstLsn = firstLsn;
        Kind = kind;
        Tail = tail;
        allocated = LogBuffer.RoundUp(tail);
        end = tail;
        dropped = tail & -LogBuffer.BlockSize;
        step = smallestStep;
        hasOlderContent = false;
    }
}
