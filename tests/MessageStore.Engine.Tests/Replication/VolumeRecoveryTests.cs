using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Tests.Storage;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Replication;

/// <summary>The table in docs/format-volume.md, row by row, and loss of power before every single operation.</summary>
public sealed class VolumeRecoveryTests(ITestOutputHelper output)
{
    private static readonly string Volume = new VolumeName(VolumeSeries.Of(UnitSamples.Day, null), 1).PathIn(UnitSamples.Folder);

    [Fact]
    public async Task A_torn_block_is_cut_off_and_the_volume_goes_on()
    {
        (MemoryStorage storage, RecordPlace[] places) = await KilledAsync();
        byte[] whole = storage.Content(Volume);
        byte[] torn = whole[..(int)(places[2].Offset + places[2].Length - 3)];
        storage.Put(Volume, torn);
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.Contains("never acknowledged", Assert.Single(unit.Notes));
        Assert.Equal(2, unit.GetStatus().RecordCount);
        RecordPlace again = await UnitSamples.AppendAsync(unit, UnitSamples.Record(3));
        Assert.Equal(places[2].Offset + VolumeMember.BlockHeaderLength, again.Offset); // the header of the torn block was whole
        UnitSamples.AssertHolds(unit, UnitSamples.Record(3), again);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(1), places[0]);
    }

    [Fact]
    public async Task Damage_before_a_whole_block_header_is_passed_over_and_said_and_nothing_is_cut_off()
    {
        (MemoryStorage storage, RecordPlace[] places) = await KilledAsync();
        for (int at = 0; at < 200; at++) storage.Corrupt(Volume, places[1].Offset + at, 0xFF);
        byte[] before = storage.Content(Volume);
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.Contains($"damaged at offset {places[1].Offset}", Assert.Single(unit.Notes));
        Assert.Equal(before, storage.Content(Volume));
        Assert.Null(unit.Find(UnitSamples.Record(2).Info.Id));
        UnitSamples.AssertHolds(unit, UnitSamples.Record(1), places[0]);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(3), places[2]);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(2), await UnitSamples.AppendAsync(unit, UnitSamples.Record(2)));
    }

    [Fact]
    public async Task A_damaged_record_is_filled_once_a_whole_copy_is_elsewhere_and_the_volume_unpacks_to_its_end_again()
    {
        (MemoryStorage storage, RecordPlace[] places) = await KilledAsync();
        for (int at = 0; at < 100; at++) storage.Corrupt(Volume, places[1].Offset + at, 0xFF);
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.ThrowsAny<Exception>(() => UnitSamples.Unpack(storage.Content(Volume)));
        var record = new ErasedRecord(UnitSamples.Record(2).Info.Id, places[1].Volume, places[1].Offset, places[1].Length);
        byte[] before = storage.Content(Volume);
        unit.Erase([record with { Length = 0 }, record with { Length = record.Length + 1 }, record with { Offset = record.Offset - 1 }]); // not what was found damaged
        Assert.Equal(before, storage.Content(Volume));
        unit.Erase([record]);
        Assert.True(UnitSamples.Unpack(storage.Content(Volume)).Length > 0);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(1), places[0]);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(3), places[2]);
    }

    [Fact]
    public async Task A_damaged_block_header_is_filled_when_the_unit_is_opened()
    {
        (MemoryStorage storage, RecordPlace[] places) = await KilledAsync();
        storage.Corrupt(Volume, places[1].Offset - VolumeMember.BlockHeaderLength + 3, 0xFF);
        Assert.ThrowsAny<Exception>(() => UnitSamples.Unpack(storage.Content(Volume)));
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.Contains("48 bytes", Assert.Single(unit.Notes));
        Assert.True(UnitSamples.Unpack(storage.Content(Volume)).Length > 0);
        for (int at = 0; at < places.Length; at++) UnitSamples.AssertHolds(unit, UnitSamples.Record(at + 1), places[at]);
    }

    [Fact]
    public async Task A_volume_of_another_unit_is_not_touched_and_not_served()
    {
        (MemoryStorage storage, RecordPlace[] places) = await KilledAsync();
        byte[] before = storage.Content(Volume);
        MemoryStorage other = UnitSamples.Fresh(seed: 2);
        storage.Put(Path.Combine(UnitSamples.Folder, UnitMarker.FileName), other.Content(Path.Combine(UnitSamples.Folder, UnitMarker.FileName)));
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.Contains("not of this unit", Assert.Single(unit.Notes));
        Assert.Equal(before, storage.Content(Volume));
        RecordPlace place = await UnitSamples.AppendAsync(unit, UnitSamples.Record(1));
        Assert.EndsWith("never-00000002.mbox.gz", place.Volume);
        Assert.Equal(before, storage.Content(Volume));
    }

    [Fact]
    public async Task A_tail_longer_than_a_block_is_not_cut_off()
    {
        (MemoryStorage storage, _) = await KilledAsync();
        using (IStorageFile file = storage.Open(Volume, FileAccessKind.ReadWrite)) file.SetLength(file.Length + VolumeRecovery.LongestBlock);
        long length = storage.FileLength(Volume);
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.Contains("more than a crash leaves", Assert.Single(unit.Notes));
        Assert.Equal(length, storage.FileLength(Volume));
    }

    [Fact]
    public void A_folder_without_marker_is_unavailable_and_nothing_is_created_in_it()
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(UnitSamples.Folder);
        Assert.Equal(ErrorIds.ArchiveUnavailable, Assert.Throws<MessageStoreException>(() => UnitSamples.Open(storage)).ErrorId);
        Assert.Empty(storage.ListFiles(UnitSamples.Folder));
    }

    [Fact]
    public void A_unit_that_was_put_into_another_node_is_unavailable()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        var error = Assert.Throws<MessageStoreException>(() => StorageUnit.Open(storage, UnitSamples.Folder, "n2", "u1", UnitSamples.Small));
        Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
        Assert.Contains("n1/u1", error.Message);
    }

    [Fact]
    public void A_folder_with_something_in_it_is_not_made_a_unit()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        var error = Assert.Throws<MessageStoreException>(() => UnitMarker.Create(storage, UnitSamples.Folder, "n1", "u1", TimeProvider.System, new Random(1)));
        Assert.Equal(ErrorIds.DestinationNotEmpty, error.ErrorId);
    }

    [Fact]
    public async Task Volumes_of_random_bytes_are_a_note_and_never_a_crash()
    {
        (MemoryStorage origin, RecordPlace[] places) = await KilledAsync();
        byte[] whole = origin.Content(Volume);
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            byte[] mutated = whole[..random.Next(whole.Length + 1)];
            for (int changes = random.Next(6); changes > 0 && mutated.Length > 0; changes--) mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            MemoryStorage storage = UnitSamples.Fresh();
            storage.Put(Volume, mutated);
            using StorageUnit unit = UnitSamples.Open(storage);
            for (int at = 0; at < places.Length; at++)
                if (unit.Find(UnitSamples.Record(at + 1).Info.Id) is { } place && mutated.Length >= whole.Length && mutated.AsSpan().SequenceEqual(whole))
                    UnitSamples.AssertHolds(unit, UnitSamples.Record(at + 1), place);
            RecordPlace appended = await UnitSamples.AppendAsync(unit, UnitSamples.Record(9));
            UnitSamples.AssertHolds(unit, UnitSamples.Record(9), appended);
        }
    }

    [Fact]
    public void After_a_crash_at_any_moment_every_acknowledged_record_is_there()
    {
        int points = Sweeps.ForEachSeed(12, Run);
        Proof.Report(output, $"{points} crash points of storage units");
        if (Sweeps.IsFullSet) Assert.True(points >= 1500, $"only {points} crash points");
    }

    private static int Run(int seed)
    {
        MemoryStorage storage = UnitSamples.Fresh(seed);
        var random = new Random(seed);
        var acknowledged = new Dictionary<int, (IncomingRecord Record, RecordPlace Place)>();
        var erased = new HashSet<int>();
        InvariantException? failure = null;
        int points = 0, operation = 0;
        StorageUnit unit = UnitSamples.Open(storage);
        storage.BeforeChange = kind =>
        {
            operation++;
            for (int chance = 0; chance < 2 && failure is null; chance++)
            {
                int point = operation * 2 + chance;
                if (Sweeps.OnePoint is { } one && one != point) continue;
                points++;
                try
                {
                    Recover(storage.Fork(new Random(seed * 1_000_003 + point)), acknowledged, erased);
                }
                catch (Exception error)
                {
                    failure = new InvariantException($"crash before operation {operation} ({kind}), MESSAGESTORE_SEED={seed} MESSAGESTORE_POINT={point}: {error.Message}", error);
                }
            }
        };
        for (int round = 0, number = 1; round < 14 && failure is null; round++)
        {
            int first = number;
            IncomingRecord[] records = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => UnitSamples.Record(number++, random.Next(1, 30_000),
                UnitSamples.Day.AddDays(random.Next(2)), random.Next(3) == 0 ? UnitSamples.Day.AddYears(1) : null))];
            IReadOnlyList<RecordPlace> places = unit.AppendAsync(records).GetAwaiter().GetResult();
            for (int at = 0; at < records.Length; at++) acknowledged.Add(first + at, (records[at], places[at]));
            if (random.Next(4) == 0)
            {
                int victim = random.Next(1, number);
                erased.Add(victim);
                Guid id = UnitSamples.Record(victim, 1).Info.Id;
                acknowledged.Remove(victim);
                if (unit.Find(id) is { } place) unit.Erase([new ErasedRecord(id, place.Volume, place.Offset)]);
            }
            if (random.Next(4) == 0)
            {
                unit.Dispose();
                unit = UnitSamples.Open(storage);
            }
        }
        storage.BeforeChange = null;
        unit.Dispose();
        if (failure is not null) throw failure;
        return points;
    }

    private static void Recover(MemoryStorage survivor, Dictionary<int, (IncomingRecord Record, RecordPlace Place)> acknowledged, HashSet<int> erased)
    {
        for (int opening = 0; opening < 2; opening++)
        {
            using StorageUnit unit = UnitSamples.Open(survivor);
            foreach ((int number, (IncomingRecord record, RecordPlace place)) in acknowledged)
            {
                if (unit.Find(record.Info.Id) != place) throw new InvariantException($"Record {number} is not where it was acknowledged.");
                UnitSamples.AssertHolds(unit, record, place);
            }
            if (opening == 1 && unit.Notes.Any(n => n.Contains("cut off", StringComparison.Ordinal))) throw new InvariantException("The second opening found something to cut off.");
            if (erased.Count == 0 && unit.Notes.Any(n => n.Contains("damaged", StringComparison.Ordinal))) throw new InvariantException($"A crash was taken for damage: {unit.Notes[0]}");
        }
    }

    /// <summary>Three records in three blocks, in a unit whose node was killed.</summary>
    private static async Task<(MemoryStorage Storage, RecordPlace[] Places)> KilledAsync()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage);
        var places = new RecordPlace[3];
        for (int n = 0; n < 3; n++) places[n] = await UnitSamples.AppendAsync(unit, UnitSamples.Record(n + 1));
        return (storage.Kill(), places);
    }
}
