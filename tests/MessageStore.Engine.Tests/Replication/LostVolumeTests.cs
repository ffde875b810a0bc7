using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

/// <summary>Somebody deletes files under a running unit: it notices, forgets what was in them, goes on in new ones, and what it acknowledges from then on is there.</summary>
public sealed class LostVolumeTests
{
    private static readonly HashSet<Guid> Nobody = [];

    private readonly MemoryStorage storage = UnitSamples.Fresh();

    [Fact]
    public async Task The_next_block_goes_into_a_new_volume_and_nothing_is_acknowledged_into_a_file_without_a_name()
    {
        IncomingRecord later = UnitSamples.Record(3);
        RecordPlace place;
        using (StorageUnit unit = UnitSamples.Open(storage))
        {
            RecordPlace lost = (await unit.AppendAsync([UnitSamples.Record(1), UnitSamples.Record(2)]))[0];
            Delete(lost);
            place = await UnitSamples.AppendAsync(unit, later);
            Assert.Equal(("2026-07-31/never-00000001.mbox.gz", "2026-07-31/never-00000002.mbox.gz"), (lost.Volume, place.Volume)); // an old key never meets a new record
            UnitSamples.AssertHolds(unit, later, place);
            Assert.Null(unit.Find(UnitSamples.Record(1).Info.Id));
            Assert.Equal([place.Volume], unit.ListVolumes());
            StorageUnitStatus status = unit.GetStatus();
            Assert.Equal((UnitAvailability.Available, 1L, 1L), (status.Availability, status.RecordCount, status.VolumeCount));
            Assert.Contains("never-00000001.mbox.gz was deleted while the unit was in use: 2 records are gone", Assert.Single(status.Notes));
        }
        using StorageUnit again = UnitSamples.Open(storage);
        Assert.Equal(1, again.GetStatus().RecordCount);
        UnitSamples.AssertHolds(again, later, place);
    }

    [Fact]
    public async Task A_record_that_was_lost_is_stored_anew_when_it_comes_again()
    {
        using StorageUnit unit = UnitSamples.Open(storage);
        IncomingRecord record = UnitSamples.Record(1);
        RecordPlace lost = await UnitSamples.AppendAsync(unit, record);
        Delete(lost);
        RecordPlace place = await UnitSamples.AppendAsync(unit, record);
        Assert.NotEqual(lost.Volume, place.Volume);
        UnitSamples.AssertHolds(unit, record, place);
        Assert.Equal(place, unit.Find(record.Info.Id));
    }

    [Fact]
    public async Task Whoever_lists_or_reads_a_volume_that_was_deleted_makes_the_unit_forget_its_records()
    {
        using StorageUnit unit = UnitSamples.Open(storage);
        RecordPlace listed = await UnitSamples.AppendAsync(unit, UnitSamples.Record(1));
        RecordPlace read = await UnitSamples.AppendAsync(unit, UnitSamples.Record(2, storageDate: UnitSamples.Day.AddDays(1)));
        RecordPlace whole = await UnitSamples.AppendAsync(unit, UnitSamples.Record(3, storageDate: UnitSamples.Day.AddDays(2)));
        Delete(listed);
        Delete(read);
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => unit.ListRecords(listed.Volume)).ErrorId);
        Assert.Equal(2, unit.GetStatus().RecordCount);
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => unit.OpenVolume(read.Volume)).ErrorId);
        Assert.Equal(1, unit.GetStatus().RecordCount);
        Assert.Equal(2, unit.GetStatus().Notes.Count);
        Assert.Throws<MessageStoreException>(() => unit.OpenVolume(read.Volume));
        Assert.Equal(2, unit.GetStatus().Notes.Count);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(3), whole);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Erasing_and_expiring_what_was_lost_is_no_error(bool erase)
    {
        using StorageUnit unit = UnitSamples.Open(storage);
        IncomingRecord record = UnitSamples.Record(1, deletionDate: UnitSamples.Day.AddDays(1));
        RecordPlace place = await UnitSamples.AppendAsync(unit, record);
        Delete(place);
        Assert.Equal(0, erase ? unit.Erase([new ErasedRecord(record.Info.Id, place.Volume, place.Offset)]) : unit.Expire(UnitSamples.Day.AddDays(9), Nobody));
        Assert.Equal(0, unit.GetStatus().RecordCount);
        UnitSamples.AssertHolds(unit, record, await UnitSamples.AppendAsync(unit, record));
    }

    [Fact]
    public async Task It_is_noticed_too_where_the_volume_is_closed_or_was_closed_already()
    {
        using StorageUnit unit = UnitSamples.Open(storage); // two volumes are kept open
        RecordPlace[] places = new RecordPlace[5];
        for (int day = 0; day < 3; day++) places[day] = await UnitSamples.AppendAsync(unit, UnitSamples.Record(day, storageDate: UnitSamples.Day.AddDays(day)));
        Delete(places[0]); // closed
        Delete(places[1]); // to be closed with the next
        for (int n = 3; n < 5; n++) places[n] = await UnitSamples.AppendAsync(unit, UnitSamples.Record(n, storageDate: UnitSamples.Day.AddDays(n == 3 ? 3 : 0)));
        Assert.EndsWith("2026-07-31/never-00000002.mbox.gz", places[4].Volume);
        for (int n = 2; n < 5; n++) UnitSamples.AssertHolds(unit, UnitSamples.Record(n), places[n]);
        Assert.Equal((UnitAvailability.Available, 3L), (unit.GetStatus().Availability, unit.GetStatus().RecordCount));
    }

    [Fact]
    public async Task A_unit_that_is_gone_as_a_whole_forgets_nothing_and_takes_nothing()
    {
        using StorageUnit unit = UnitSamples.Open(storage);
        RecordPlace place = await UnitSamples.AppendAsync(unit, UnitSamples.Record(1));
        storage.RenameFolder(UnitSamples.Folder, UnitSamples.Folder + "-away"); // its disk, say
        Assert.Equal(ErrorIds.ArchiveUnavailable, Assert.Throws<MessageStoreException>(() => unit.ListRecords(place.Volume)).ErrorId);
        Assert.Equal((UnitAvailability.Unavailable, 1L), (unit.GetStatus().Availability, unit.GetStatus().RecordCount));
        Assert.Equal(ErrorIds.UnitUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => UnitSamples.AppendAsync(unit, UnitSamples.Record(2)))).ErrorId);
        Assert.False(storage.FolderExists(UnitSamples.Folder));
        storage.RenameFolder(UnitSamples.Folder + "-away", UnitSamples.Folder);
        UnitSamples.AssertHolds(unit, UnitSamples.Record(1), place);
    }

    [Fact]
    public async Task No_volume_is_begun_in_the_mount_point_of_a_disk_that_is_away()
    {
        using StorageUnit unit = UnitSamples.Open(storage);
        await UnitSamples.AppendAsync(unit, UnitSamples.Record(1));
        storage.RenameFolder(UnitSamples.Folder, UnitSamples.Folder + "-away");
        storage.CreateFolder(UnitSamples.Folder);
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => UnitSamples.AppendAsync(unit, UnitSamples.Record(2, storageDate: UnitSamples.Day.AddDays(1))));
        Assert.Equal(ErrorIds.UnitUnavailable, error.ErrorId);
        Assert.Contains("Is its disk mounted?", error.Message, StringComparison.Ordinal);
        Assert.Empty(storage.ListFolders(UnitSamples.Folder));
    }

    private void Delete(RecordPlace place)
    {
        if (!VolumeName.TryParse(place.Volume, out VolumeName name)) throw new InvalidOperationException($"{place.Volume} is no volume.");
        storage.DeleteFile(name.PathIn(UnitSamples.Folder));
    }
}
