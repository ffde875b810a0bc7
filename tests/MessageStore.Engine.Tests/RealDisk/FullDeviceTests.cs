using MessageStore.Tests.Facade;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.RealDisk;

/// <summary>A real file system of 64 MiB that is filled to the end, has space freed, and is filled again.</summary>
public sealed class FullDeviceTests(ITestOutputHelper output)
{
    private const int DeviceMebibytes = 64;
    private const int Writers = 8;

    private static readonly DateTimeOffset Old = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private int number;

    [SmallDeviceFact]
    public Task Store_and_log_on_a_full_device() => FillAsync(device => new MessageDatabaseOptions { Path = device["db"] });

    [SmallDeviceFact]
    public Task The_log_alone_on_a_full_device() => FillAsync(device => new MessageDatabaseOptions { Path = device["../db"], LogPath = device["logs"] });

    [SmallDeviceFact]
    public Task The_store_alone_on_a_full_device() => FillAsync(device => new MessageDatabaseOptions { Path = device["../db"], StorePath = device["store"] });

    [SmallDeviceFact]
    public async Task An_archive_on_a_full_device_says_so_and_the_mail_stays()
    {
        using var folder = new TemporaryFolder();
        using SmallDevice device = SmallDevice.Mount(folder["small"], DeviceMebibytes);
        var model = new FullDeviceModel();
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = folder["db"], ArchivePath = device["archive"] });
        await using (IMessageStore store = await MessageDatabase.OpenAsync(folder["db"]))
        {
            for (int i = 0; i < 200; i++) await model.AppendAsync(store, $"u{i % 4}", number++, 20_000, Old);
            device.Fill(left: 1 << 20);

            ArchiveRun full = await store.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1), Compression = ArchiveCompression.Stored });

            Assert.True(full.Failed > 0);
            Assert.Equal(200, full.Moved + full.Failed);
            Assert.All(full.Receipts.Where(r => r.Failed > 0), r => Assert.Contains("full", r.Reason, StringComparison.Ordinal));
            Assert.Equal(full.Moved, (await store.GetStatusAsync()).ArchivedMessageCount);
            await model.AssertAllThereAsync(store);
            device.Free();

            ArchiveRun again = await store.ArchiveAsync(new ArchiveOptions { Before = Old.AddDays(1), Compression = ArchiveCompression.Stored });

            Assert.Equal((200 - full.Moved, 0), (again.Moved, again.Failed));
            await model.AssertAllThereAsync(store);
            output.WriteLine($"{full.Moved} moved before the device was full, {again.Moved} after");
        }
        await using IMessageStore reopened = await MessageDatabase.OpenAsync(folder["db"]);
        await model.AssertAllThereAsync(reopened);
    }

    [SmallDeviceFact]
    public async Task A_backup_to_a_full_device_fails_and_leaves_nothing()
    {
        using var folder = new TemporaryFolder();
        using SmallDevice device = SmallDevice.Mount(folder["small"], DeviceMebibytes);
        var model = new FullDeviceModel();
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = folder["db"], BackupPath = device["backups"] });
        await using IMessageStore store = await MessageDatabase.OpenAsync(folder["db"]);
        for (int i = 0; i < 200; i++) await model.AppendAsync(store, $"u{i % 4}", number++, 20_000, Old);
        device.Fill(left: 1 << 20);

        MessageStoreException full = await Assert.ThrowsAsync<MessageStoreException>(() => store.BackupAsync(new BackupOptions()));

        Assert.Equal(ErrorIds.DiskFull, full.ErrorId);
        Assert.Empty(Directory.GetFiles(device["backups"]));
        Assert.Null((await store.GetStatusAsync()).BackupAge);
        await model.AppendAsync(store, "u0", number++, 20_000, Old);
        device.Free();

        BackupRun run = await store.BackupAsync(new BackupOptions());

        Assert.Equal(201, run.Messages);
        Assert.Equal(DrillResult.Verified, (await MessageDatabase.TestBackupAsync(run.Path)).Result);
        await model.AssertAllThereAsync(store);
    }

    /// <summary>Fills the device with mail, frees space, goes on without reopening, twice; then reopens.</summary>
    private async Task FillAsync(Func<SmallDevice, MessageDatabaseOptions> layout)
    {
        using var folder = new TemporaryFolder();
        using SmallDevice device = SmallDevice.Mount(folder["small"], DeviceMebibytes);
        device.Fill(left: 40 << 20);
        var model = new FullDeviceModel();
        MessageDatabaseOptions options = layout(device);
        options = options with { Path = Path.GetFullPath(options.Path) };
        await MessageDatabase.CreateAsync(options);
        await using (IMessageStore store = await MessageDatabase.OpenAsync(options.Path))
        {
            await WriteUntilFullAsync(store, model);
            await AssertOpenAsync(store);
            await model.AssertAllThereAsync(store);
            device.Free();
            await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => model.AppendAsync(store, $"u{w}", Interlocked.Increment(ref number), 100_000)));
            await WriteUntilFullAsync(store, model);
            await AssertOpenAsync(store);
            await model.AssertAllThereAsync(store);
        }
        // Opening with not a byte to spare: what was acknowledged must come back even so.
        device.Fill();
        await using (IMessageStore full = await MessageDatabase.OpenAsync(options.Path)) await model.AssertAllThereAsync(full);
        output.WriteLine($"{model.Count} messages, {model.Refused} refused");
    }

    private async Task WriteUntilFullAsync(IMessageStore store, FullDeviceModel model) =>
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(async () =>
        {
            var random = new Random(w);
            // Small ones still fit where a large one did not: each writer goes on until five were refused.
            for (int refused = 0; refused < 5;)
            {
                int size = random.Next(50) == 0 ? random.Next(1 << 20, 3 << 20) : random.Next(60_000);
                if (!await model.TryAppendAsync(store, $"u{w}", Interlocked.Increment(ref number), size)) refused++;
            }
        })));

    private static async Task AssertOpenAsync(IMessageStore store)
    {
        DatabaseStatus status = await store.GetStatusAsync();
        Assert.True(status.State == StorageState.Open, string.Join("; ", status.StorageGroups.Select(g => g.Reason)));
    }
}
