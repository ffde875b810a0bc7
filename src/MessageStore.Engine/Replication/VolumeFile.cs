using System.Buffers;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>A volume open for appending. Not thread-safe: the unit's writer is the only one.</summary>
internal sealed class VolumeFile : IDisposable
{
    private readonly IStorage storage;
    private readonly IStorageFile file;
    private readonly uint salt;
    private bool isNew;
    private bool endsClean;

    /// <param name="end">Where the next block goes: 0 for a new volume.</param>
    private VolumeFile(IStorage storage, IStorageFile file, VolumeName name, uint salt, long end)
    {
        this.storage = storage;
        this.file = file;
        this.salt = salt;
        Name = name;
        End = end;
        isNew = end == 0;
        endsClean = true;
    }

    public VolumeName Name { get; }

    /// <summary>Where the next block goes, in bytes.</summary>
    public long End { get; private set; }

    /// <summary>Begins a volume; it counts once its first block is written.</summary>
    public static VolumeFile Create(IStorage storage, string unitFolder, VolumeName name, uint salt)
    {
        string path = name.PathIn(unitFolder);
        DurableFolder.Create(storage, Path.GetDirectoryName(path)!);
        return new VolumeFile(storage, storage.Open(path, FileAccessKind.CreateNew), name, salt, 0);
    }

    /// <summary>Goes on with a volume that recovery has been over.</summary>
    public static VolumeFile Open(IStorage storage, string unitFolder, VolumeName name, uint salt, long end) =>
        new(storage, storage.Open(name.PathIn(unitFolder), FileAccessKind.ReadWrite), name, salt, end);

    /// <summary>Writes a block with one write and one flush and reads it back. On return it is durable.</summary>
    /// <param name="block">Room for the header, then the records.</param>
    /// <param name="records">How many there are.</param>
    /// <returns>Where the first record lies.</returns>
    /// <exception cref="IOException">The device failed, or what it gives back is not what was written. What is on the disk now is not known.</exception>
    public long Append(Span<byte> block, int records)
    {
        long start = End;
        VolumeMember.WriteBlock(block, salt, start == 0 ? BlockKind.First : BlockKind.Following, start, records, (uint)(block.Length - VolumeMember.BlockHeaderLength));
        endsClean = false;
        file.Write(block, start);
        file.Flush();
        if (isNew) storage.FlushFolder(Path.GetDirectoryName(file.Path)!);
        isNew = false;
        ReadBack(block, start);
        End = start + block.Length;
        return start + VolumeMember.BlockHeaderLength;
    }

    /// <summary>Says at the end that all is durable, so that the next opening need not doubt the last block.</summary>
    /// <exception cref="IOException">The device failed.</exception>
    public void Finish()
    {
        if (endsClean) return;
        Span<byte> header = stackalloc byte[VolumeMember.BlockHeaderLength];
        VolumeMember.WriteBlock(header, salt, BlockKind.End, End, 0, 0);
        file.Write(header, End);
        file.Flush();
        End += header.Length;
        endsClean = true;
    }

    public void Dispose() => file.Dispose();

    private void ReadBack(ReadOnlySpan<byte> block, long start)
    {
        byte[] copy = ArrayPool<byte>.Shared.Rent(block.Length);
        try
        {
            int count = file.ReadFully(copy.AsSpan(0, block.Length), start);
            if (!block.SequenceEqual(copy.AsSpan(0, count))) throw new IOException($"{file.Path} gives back other bytes at offset {start} than were written.");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }
}
