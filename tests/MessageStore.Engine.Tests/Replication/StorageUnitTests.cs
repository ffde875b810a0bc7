using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

public sealed class StorageUnitTests
{
    [Fact]
    public async Task What_was_acknowledged_lies_where_its_place_says_also_after_reopening()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        IncomingRecord[] records = [.. Enumerable.Range(1, 60).Select(n => UnitSamples.Record(n, 200 * n))];
        var places = new List<RecordPlace>();
        using (StorageUnit unit = UnitSamples.Open(storage))
        {
            foreach (IncomingRecord[] chunk in records.Chunk(7)) places.AddRange(await unit.AppendAsync(chunk));
            AssertAll(unit);
            Assert.True(unit.ListVolumes().Count > 1, "the volume size was meant to be reached");
        }
        using (StorageUnit unit = UnitSamples.Open(storage))
        {
            Assert.Empty(unit.Notes);
            Assert.Equal(60, unit.GetStatus().RecordCount);
            AssertAll(unit);
            Assert.Equal(places.Order(Comparer<RecordPlace>.Create(Compare)), unit.ListVolumes()
                .SelectMany(v => unit.ListRecords(v).Select(r => new RecordPlace(v, r.Offset, r.Length))).Order(Comparer<RecordPlace>.Create(Compare)));
        }

        void AssertAll(StorageUnit unit)
        {
            for (int at = 0; at < records.Length; at++)
            {
                UnitSamples.AssertHolds(unit, records[at], places[at]);
                Assert.Equal(places[at], unit.Find(records[at].Info.Id));
            }
        }

        static int Compare(RecordPlace a, RecordPlace b) => (a.Volume, a.Offset).CompareTo((b.Volume, b.Offset));
    }

    [Fact]
    public async Task A_volume_unpacks_to_an_mbox_without_us()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using (StorageUnit unit = UnitSamples.Open(storage, UnitSamples.Small with { VolumeSize = 1 << 30 }))
            for (int n = 1; n <= 5; n++) await UnitSamples.AppendAsync(unit, UnitSamples.Record(n));
        byte[] mbox = UnitSamples.Unpack(storage.Content(Path.Combine(UnitSamples.Folder, "volumes", "2026-07-31", "never-00000001.mbox.gz")));
        byte[] expected = [.. Enumerable.Range(1, 5).SelectMany(n => UnitSamples.Unpack(UnitSamples.Record(n).Bytes.ToArray()))];
        Assert.Equal(expected, mbox);
    }

    [Fact]
    public async Task The_same_message_again_is_the_same_record()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        RecordPlace place;
        using (StorageUnit unit = UnitSamples.Open(storage))
        {
            IReadOnlyList<RecordPlace> places = await unit.AppendAsync([UnitSamples.Record(1), UnitSamples.Record(2), UnitSamples.Record(1)]);
            place = places[0];
            Assert.Equal(place, places[2]);
            Assert.NotEqual(place, places[1]);

            // Packed anew, on another day: the record that is there serves.
            Assert.Equal(place, await UnitSamples.AppendAsync(unit, UnitSamples.Record(1, storageDate: UnitSamples.Day.AddDays(1), compression: ArchiveCompression.Stored)));
        }
        using (StorageUnit unit = UnitSamples.Open(storage))
        {
            Assert.Equal(place, await UnitSamples.AppendAsync(unit, UnitSamples.Record(1)));
            Assert.Equal(2, unit.GetStatus().RecordCount);
        }
    }

    [Fact]
    public async Task A_record_that_is_damaged_does_not_serve_for_the_same_message_again()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage);
        IncomingRecord record = UnitSamples.Record(1);
        RecordPlace damaged = await UnitSamples.AppendAsync(unit, record);
        storage.Corrupt(new VolumeName(VolumeSeries.Of(UnitSamples.Day, null), 1).PathIn(UnitSamples.Folder), damaged.Offset + damaged.Length - 20, 1);
        RecordPlace whole = await UnitSamples.AppendAsync(unit, record);
        Assert.NotEqual(damaged, whole);
        UnitSamples.AssertHolds(unit, record, whole);
        Assert.Equal(whole, await UnitSamples.AppendAsync(unit, record));
    }

    [Fact]
    public async Task A_record_that_would_die_on_another_day_does_not_serve()
    {
        using StorageUnit unit = UnitSamples.Open(UnitSamples.Fresh());
        RecordPlace dies = await UnitSamples.AppendAsync(unit, UnitSamples.Record(1, deletionDate: UnitSamples.Day.AddDays(30)));
        IncomingRecord kept = UnitSamples.Record(1);
        RecordPlace stays = await UnitSamples.AppendAsync(unit, kept);
        Assert.NotEqual(dies.Volume, stays.Volume);
        unit.Expire(UnitSamples.Day.AddDays(40), new HashSet<Guid>());
        UnitSamples.AssertHolds(unit, kept, stays);
    }

    [Fact]
    public async Task What_arrives_while_a_flush_runs_shares_the_next_one()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage);
        await UnitSamples.AppendAsync(unit, UnitSamples.Record(1000));
        using var flushing = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        int flushes = 0;
        storage.Interleave = kind =>
        {
            if (kind != StorageOperations.Flush || Interlocked.Increment(ref flushes) != 1) return;
            flushing.Set();
            Assert.True(goOn.Wait(TimeSpan.FromSeconds(120)));
        };
        Task<RecordPlace> first = UnitSamples.AppendAsync(unit, UnitSamples.Record(1));
        Assert.True(flushing.Wait(TimeSpan.FromSeconds(120)));
        Task<RecordPlace>[] later = [.. Enumerable.Range(2, 30).Select(n => UnitSamples.AppendAsync(unit, UnitSamples.Record(n)))];
        Assert.DoesNotContain(later, t => t.IsCompleted);
        goOn.Set();
        await first;
        await Task.WhenAll(later);
        Assert.Equal(2, flushes);
    }

    [Fact]
    public async Task Volumes_die_as_a_whole_on_their_day_and_not_a_day_early_unless_something_in_them_is_held()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage);
        DateTimeOffset midnight = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
        IncomingRecord noon = UnitSamples.Record(2, deletionDate: midnight.AddHours(12)), keep = UnitSamples.Record(3);
        RecordPlace first = await UnitSamples.AppendAsync(unit, UnitSamples.Record(1, deletionDate: midnight));
        RecordPlace second = await UnitSamples.AppendAsync(unit, noon);
        RecordPlace third = await UnitSamples.AppendAsync(unit, keep);
        Assert.Equal(["20300101", "20300102", "never"], new[] { first, second, third }.Select(p => p.Volume.Split('/')[1].Split('-')[0]));

        var nobody = new HashSet<Guid>();
        Assert.Equal(0, unit.Expire(midnight.AddTicks(-1), nobody));
        Assert.Equal(1, unit.Expire(midnight, nobody));
        Assert.Null(unit.Find(UnitSamples.Record(1).Info.Id));
        Assert.Throws<MessageStoreException>(() => unit.OpenVolume(first.Volume));
        Assert.Equal(0, unit.Expire(midnight.AddDays(5), new HashSet<Guid> { noon.Info.Id }));
        UnitSamples.AssertHolds(unit, noon, second);
        Assert.Equal(1, unit.Expire(midnight.AddDays(5), nobody));
        Assert.Equal([third.Volume], unit.ListVolumes());
        UnitSamples.AssertHolds(unit, keep, third);

        // The series goes on under a new number: an old key never meets a new record.
        RecordPlace again = await UnitSamples.AppendAsync(unit, UnitSamples.Record(4, deletionDate: midnight));
        Assert.EndsWith("20300101-00000002.mbox.gz", again.Volume);
    }

    [Fact]
    public async Task Erasing_leaves_nothing_of_a_message_and_everything_else_where_it_is()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        UnitOptions options = UnitSamples.Small with { VolumeSize = 1 << 30 };
        IncomingRecord large = UnitSamples.Record(2, 300_000, compression: ArchiveCompression.Stored), small = UnitSamples.Record(3, 1), kept = UnitSamples.Record(4);
        RecordPlace place;
        using (StorageUnit unit = UnitSamples.Open(storage, options))
        {
            await unit.AppendAsync([UnitSamples.Record(1), large, small]);
            place = await UnitSamples.AppendAsync(unit, kept);
            Assert.Equal(2, unit.Erase([Erased(large), Erased(small), new ErasedRecord(Guid.NewGuid(), place.Volume, place.Offset)]));
            Assert.Null(unit.Find(large.Info.Id));
            UnitSamples.AssertHolds(unit, kept, place);

            ErasedRecord Erased(IncomingRecord record)
            {
                RecordPlace at = unit.Find(record.Info.Id)!.Value;
                return new ErasedRecord(record.Info.Id, at.Volume, at.Offset);
            }
        }
        byte[] volume = storage.Content(new VolumeName(VolumeSeries.Of(UnitSamples.Day, null), 1).PathIn(UnitSamples.Folder));
        Assert.Equal((byte[])[.. UnitSamples.Unpack(UnitSamples.Record(1).Bytes.ToArray()), .. UnitSamples.Unpack(kept.Bytes.ToArray())], UnitSamples.Unpack(volume));
        Assert.Equal(-1, volume.AsSpan().IndexOf(large.Bytes.Span[1000..1100]));
        using (StorageUnit unit = UnitSamples.Open(storage, options))
        {
            Assert.Empty(unit.Notes);
            Assert.Equal(2, unit.GetStatus().RecordCount);
            UnitSamples.AssertHolds(unit, kept, place);
        }
    }

    [Theory]
    [InlineData(nameof(StorageOperations.Write))]
    [InlineData(nameof(StorageOperations.Flush))]
    [InlineData(nameof(StorageOperations.FlushFolder))]
    public async Task A_failing_disk_takes_the_unit_out_and_reading_goes_on(string operation)
    {
        var kind = Enum.Parse<StorageOperations>(operation);
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage);
        IncomingRecord good = UnitSamples.Record(1);
        RecordPlace place = await UnitSamples.AppendAsync(unit, good);
        storage.FailAt(1, new IOException("Input/output error"), kind);
        DateTimeOffset newVolume = UnitSamples.Day.AddDays(1);
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => UnitSamples.AppendAsync(unit, UnitSamples.Record(2, storageDate: newVolume)));
        Assert.Equal(ErrorIds.UnitUnavailable, error.ErrorId);
        Assert.Contains("n1/u1", error.Message);
        error = await Assert.ThrowsAsync<MessageStoreException>(() => UnitSamples.AppendAsync(unit, UnitSamples.Record(3)));
        Assert.Equal(ErrorIds.UnitUnavailable, error.ErrorId);
        Assert.Equal(UnitAvailability.Unavailable, unit.GetStatus().Availability);
        Assert.Contains("Input/output error", unit.GetStatus().Reason);
        UnitSamples.AssertHolds(unit, good, place);
    }

    [Fact]
    public async Task A_full_disk_refuses_records_and_takes_them_again_when_there_is_room()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage, UnitSamples.Small with { Reserve = 10_000 });
        storage.Capacity = 10_500;
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => UnitSamples.AppendAsync(unit, UnitSamples.Record(1, 5_000, compression: ArchiveCompression.Stored)));
        Assert.Equal(ErrorIds.DiskFull, error.ErrorId);
        storage.Capacity = 100;
        Assert.Equal(UnitAvailability.ReadOnly, unit.GetStatus().Availability);
        storage.Capacity = 1 << 20;
        IncomingRecord record = UnitSamples.Record(1, 5_000);
        UnitSamples.AssertHolds(unit, record, await UnitSamples.AppendAsync(unit, record));
        Assert.Equal(UnitAvailability.Available, unit.GetStatus().Availability);
    }

    [Fact]
    public void Two_processes_never_serve_one_unit()
    {
        MemoryStorage storage = UnitSamples.Fresh();
        using StorageUnit unit = UnitSamples.Open(storage);
        Assert.Equal(ErrorIds.DatabaseInUse, Assert.Throws<MessageStoreException>(() => UnitSamples.Open(storage)).ErrorId);
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("2026-07-31/../../x-00000001.mbox.gz")]
    [InlineData("2026-07-31/never-00000000.mbox.gz")]
    [InlineData("2026-07-31/never-00000001.mbox.gz/..")]
    [InlineData("2026-07-31\\never-00000001.mbox.gz")]
    [InlineData("2026-13-31/never-00000001.mbox.gz")]
    [InlineData("2026-07-31/never-00000001.mbox.gz\0")]
    [InlineData("/2026-07-31/never-00000001.mbox.gz")]
    [InlineData("")]
    public void No_name_leads_out_of_the_unit(string volume)
    {
        using StorageUnit unit = UnitSamples.Open(UnitSamples.Fresh());
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => unit.OpenVolume(volume)).ErrorId);
    }

    [Fact]
    public void A_record_that_was_damaged_on_its_way_is_refused()
    {
        byte[] bytes = UnitSamples.Record(1).Bytes.ToArray();
        uint checksum = Crc32C.Compute(bytes);
        bytes[^20] ^= 1;
        Assert.Equal(ErrorIds.MessageDamaged, Assert.Throws<MessageStoreException>(() => IncomingRecord.Check(bytes, checksum)).ErrorId);
        Assert.Equal(ErrorIds.MessageDamaged, Assert.Throws<MessageStoreException>(() => IncomingRecord.Check(new byte[300], Crc32C.Compute(new byte[300]))).ErrorId);
        byte[] longer = [.. UnitSamples.Record(1).Bytes.ToArray(), 0];
        Assert.Equal(ErrorIds.MessageDamaged, Assert.Throws<MessageStoreException>(() => IncomingRecord.Check(longer, Crc32C.Compute(longer))).ErrorId);
    }
}
