using MessageStore.Storage;
using MessageStore.Tests.RealDisk;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Facade;

/// <summary>The device of the archive gets into trouble in the middle of a run: what was moved is moved, the rest stays in the store, the receipts say so, and the next run goes on.</summary>
public sealed class ArchiveDeviceTests
{
    private const int Each = 4;

    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Users = ["alice", "bob", "carol", "dave"];
    private static readonly ArchiveOptions Everything = new() { Before = Old.AddYears(1), Seekers = 1, Archivers = 1 };

    [Theory]
    [InlineData(nameof(Trouble.Full), 0)]
    [InlineData(nameof(Trouble.Full), 2)]
    [InlineData(nameof(Trouble.ReadOnly), 0)]
    [InlineData(nameof(Trouble.ReadOnly), 2)]
    [InlineData(nameof(Trouble.Gone), 0)]
    [InlineData(nameof(Trouble.Gone), 2)]
    public async Task Current_mail_goes_on_the_receipts_name_each_and_the_next_run_does_the_rest(string what, int writesBefore)
    {
        Trouble trouble = Enum.Parse<Trouble>(what);
        var storage = new MemoryStorage();
        var device = new TroubledFolder(storage, MemoryDatabase.ArchivePath);
        GroupOptions options = MemoryDatabase.Small with { Clock = new FixedClock(Old.AddYears(6)) };
        MessageDatabase.CreateNow(storage, MemoryDatabase.Options("SG1", "SG2"), options.Clock);
        var model = new MailModel();
        var random = new Random(7);
        using (MemoryDatabase opened = MemoryDatabase.Open(device, options))
        {
            foreach (string user in Users)
                for (int i = 0; i < Each; i++) await opened.AppendAsync(model, user, "Inbox", MessageFlags.None, MemoryDatabase.Body(random, 500), Old);
            device.After(writesBefore, trouble);

            ArchiveRun run = await opened.Store.ArchiveAsync(Everything);

            Assert.Equal((writesBefore * Each, (Users.Length - writesBefore) * Each), (run.Moved, run.Failed));
            Assert.Equal(Users, run.Receipts.Select(r => r.Mailbox));
            List<ArchiveReceipt> failed = [.. run.Receipts.Where(r => r.Failed > 0)];
            Assert.Equal(Users.Length - writesBefore, failed.Count);
            Assert.All(failed, r => Assert.Contains(MemoryDatabase.ArchivePath, r.Reason, StringComparison.Ordinal));
            Assert.Equal(run.Moved, (await opened.Store.GetStatusAsync()).ArchivedMessageCount);

            // New mail comes in, and what was not moved is readable and can be changed.
            await opened.AppendAsync(model, "alice", "Inbox", MessageFlags.None, MemoryDatabase.Body(random, 500), Old.AddYears(5));
            foreach (StoredMessage waiting in await opened.Store.ListAsync(new MessageQuery { IsArchived = false }).ToListAsync())
                await (await opened.Store.OpenReadAsync(waiting.Id)).DisposeAsync();
            foreach (StoredMessage moved in await opened.Store.ListAsync(new MessageQuery { IsArchived = true }).ToListAsync())
            {
                if (trouble == Trouble.Gone) Assert.Equal(ErrorIds.ArchiveUnavailable, (await Assert.ThrowsAsync<MessageStoreException>(() => opened.Store.OpenReadAsync(moved.Id))).ErrorId);
                else await (await opened.Store.OpenReadAsync(moved.Id)).DisposeAsync();
            }

            device.After(int.MaxValue, Trouble.None);
            device.Now = Trouble.None;
            ArchiveRun next = await opened.Store.ArchiveAsync(Everything);

            Assert.Equal(((Users.Length - writesBefore) * Each, 0), (next.Moved, next.Failed));
            await opened.CheckAsync(model);
            opened.CheckArchivedOnce();
        }
        using MemoryDatabase again = MemoryDatabase.Open(storage, options);
        await again.CheckAsync(model);
    }

    [SmallDeviceFact]
    public async Task A_real_archive_that_is_read_only_fails_everybody_and_nobodys_mail()
    {
        using var fixture = new StoreFixture();
        using SmallDevice device = SmallDevice.Mount(Path.Combine(fixture.Root, "nas"), 8);
        await using IMessageStore store = await OpenOnAsync(fixture, device["archive"]);
        Assert.Null(SmallDevice.Run("mount", "-o", "remount,ro", device.Path));

        ArchiveRun run = await store.ArchiveAsync(Everything);

        Assert.Equal((0, Users.Length * Each), (run.Moved, run.Failed));
        Assert.Equal(Users, run.Receipts.Select(r => r.Mailbox));
        await fixture.AppendAsync(store, 500, "alice");
        await fixture.AssertAllThereAsync(store);
        Assert.Null(SmallDevice.Run("mount", "-o", "remount,rw", device.Path));
        Assert.Equal(Users.Length * Each, (await store.ArchiveAsync(Everything)).Moved);
        await fixture.AssertAllThereAsync(store);
    }

    [SmallDeviceFact]
    public async Task A_real_archive_that_is_unmounted_in_the_middle_of_a_run_leaves_nothing_in_its_mount_point()
    {
        using var fixture = new StoreFixture();
        using SmallDevice device = SmallDevice.Mount(Path.Combine(fixture.Root, "device"), 8);
        string mountPoint = Directory.CreateDirectory(Path.Combine(fixture.Root, "nas")).FullName;
        Assert.Null(SmallDevice.Run("mount", "--bind", device.Path, mountPoint));
        await using (IMessageStore store = await OpenOnAsync(fixture, Path.Combine(mountPoint, "archive")))
        {
            var unmount = new Once(() => Assert.Null(SmallDevice.Run("umount", "--lazy", mountPoint)));

            ArchiveRun run = await store.ArchiveAsync(Everything, unmount);

            Assert.True(run.Failed > 0 && run.Moved > 0, $"{run.Moved} moved, {run.Failed} failed");
            Assert.Equal(Users.Length * Each, run.Moved + run.Failed);
            Assert.Empty(Directory.GetFileSystemEntries(mountPoint));
            await fixture.AppendAsync(store, 500, "alice");
            Assert.Null(SmallDevice.Run("mount", "--bind", device.Path, mountPoint));
            Assert.Equal(run.Failed, (await store.ArchiveAsync(Everything)).Moved);
            await fixture.AssertAllThereAsync(store);
        }
        Assert.Null(SmallDevice.Run("umount", mountPoint));
    }

    private static async Task<IMessageStore> OpenOnAsync(StoreFixture fixture, string archive)
    {
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = fixture.Database, ArchivePath = archive });
        IMessageStore store = await fixture.OpenAsync();
        int number = 0;
        foreach (string user in Users)
            for (int i = 0; i < Each; i++) await fixture.AppendAsync(store, number++, user, Old);
        return store;
    }

    /// <summary>Does something when the first mailbox is done, before the next begins.</summary>
    private sealed class Once(Action action) : IProgress<RunProgress>
    {
        private int done;

        public void Report(RunProgress value)
        {
            if (value.Activity == "Archiving" && Interlocked.Exchange(ref done, 1) == 0) action();
        }
    }
}
