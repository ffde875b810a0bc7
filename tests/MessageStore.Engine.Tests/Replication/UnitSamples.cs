using System.IO.Compression;
using System.Security.Cryptography;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Replication;
using MessageStore.Tests.Archiving;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>A storage unit on a disk in memory, and records for it.</summary>
internal static class UnitSamples
{
    public const string Node = "n1";
    public const string Unit = "u1";
    public static readonly string Folder = Path.GetFullPath("/disk1/unit");
    public static readonly DateTimeOffset Day = new(2026, 7, 31, 12, 0, 0, TimeSpan.Zero);

    public static readonly UnitOptions Small = new() { BufferSize = 64 << 10, VolumeSize = 96 << 10, Reserve = 0, OpenVolumes = 2 };

    public static MemoryStorage Fresh(int seed = 1)
    {
        var storage = new MemoryStorage(seed);
        storage.CreateFolder(Path.GetDirectoryName(Folder)!);
        storage.FlushFolder(Path.GetPathRoot(Folder)!);
        UnitMarker.Create(storage, Folder, Node, Unit, new FixedClock(Day), new Random(seed));
        return storage;
    }

    public static StorageUnit Open(IStorage storage, UnitOptions? options = null) => StorageUnit.Open(storage, Folder, Node, Unit, options ?? Small);

    /// <summary>The record of a made-up message; the number decides Id and content.</summary>
    public static IncomingRecord Record(int number, int size = 600, DateTimeOffset? storageDate = null, DateTimeOffset? deletionDate = null, ArchiveCompression compression = ArchiveCompression.Fastest)
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(ArchiveSamples.Spool);
        using var writer = new ArchiveRecordWriter(compression, storage, ArchiveSamples.Spool);
        using var buffer = new PooledBuffer();
        ArchiveEntry entry = ArchiveSamples.Entry(ArchiveSamples.Body(new Random(number), size), number) with { StorageDate = storageDate ?? Day, DeletionDate = deletionDate };
        writer.Write(entry, buffer, out _, out _);
        byte[] bytes = buffer.Span.ToArray();
        return IncomingRecord.Check(bytes, Crc32C.Compute(bytes));
    }

    public static async Task<RecordPlace> AppendAsync(StorageUnit unit, IncomingRecord record) => (await unit.AppendAsync([record]))[0];

    /// <summary>The message at a place, every checksum compared.</summary>
    public static byte[] Read(StorageUnit unit, IncomingRecord record, RecordPlace place)
    {
        using IStorageFile file = unit.OpenVolume(place.Volume);
        ArchiveKey key = (record.Info with { Offset = place.Offset, Length = place.Length }).ToKey("nodes", unit.Name, place.Volume);
        return ArchiveSamples.ReadAll(ArchiveRecordReader.OpenBody(file, ArchiveRecordReader.ReadInfo(file, key)));
    }

    public static void AssertHolds(StorageUnit unit, IncomingRecord record, RecordPlace place) =>
        Assert.Equal(record.Info.Sha256, Convert.ToHexStringLower(SHA256.HashData(Read(unit, record, place))));

    public static byte[] Unpack(byte[] volume) => ArchiveSamples.ReadAll(new GZipStream(new MemoryStream(volume), CompressionMode.Decompress));
}
