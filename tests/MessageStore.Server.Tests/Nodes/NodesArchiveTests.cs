using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Replication;

namespace MessageStore.Server.Tests.Nodes;

/// <summary>A database whose archive lies on real storage nodes.</summary>
public sealed class NodesArchiveTests
{
    private static readonly ArchiveOptions Everything = new() { Before = DateTimeOffset.MaxValue };

    [Theory]
    [InlineData(ReplicationTopology.FanOut)]
    [InlineData(ReplicationTopology.Chain)]
    public async Task The_archive_agent_moves_mail_to_nodes_and_any_of_them_may_be_lost(ReplicationTopology topology)
    {
        await using var fixture = new NodeFixture();
        foreach (string name in (string[])["n1", "n2", "n3"]) await fixture.StartAsync(name);
        await using IMessageStore store = await OpenAsync(fixture, topology);
        Dictionary<Guid, byte[]> mail = await AppendAsync(store, 30);
        ArchiveRun run = await store.ArchiveAsync(Everything);
        Assert.Equal((30, 30, 0), (run.Matched, run.Moved, run.Failed));
        await AssertReadableAsync(store, mail);
        List<ArchiveKey> keys = await KeysAsync(store);
        Assert.All(keys.GroupBy(k => k.Id), k => Assert.Equal(2, k.Select(c => DirectoryCache.NodeOf(c.Unit)).Distinct().Count()));
        Assert.All(keys, k => Assert.Equal("nodes", k.Target));

        await fixture.StopAsync("n2");
        await AssertReadableAsync(store, mail);

        // And new mail goes to the others at once.
        foreach ((Guid id, byte[] body) in await AppendAsync(store, 5, 100)) mail.Add(id, body);
        run = await store.ArchiveAsync(Everything);
        Assert.Equal((5, 0), (run.Moved, run.Failed));
        await AssertReadableAsync(store, mail);
    }

    [Fact]
    public async Task With_too_few_nodes_mail_stays_where_it_is_and_is_archived_when_they_are_back()
    {
        await using var fixture = new NodeFixture();
        await fixture.StartAsync("n1");
        await fixture.StartAsync("n2");
        await using IMessageStore store = await OpenAsync(fixture);
        Dictionary<Guid, byte[]> mail = await AppendAsync(store, 10);
        await fixture.Directory.RegisterAsync(new StorageServerRecord { Name = "n2", Url = "http://127.0.0.1:9", Units = [new StorageUnitRecord { Name = "u1" }] });
        ArchiveRun run = await store.ArchiveAsync(Everything);
        Assert.Equal((0, 10), (run.Moved, run.Failed));
        Assert.All(run.Receipts, r => Assert.Contains("copies were asked for", r.Reason));
        await AssertReadableAsync(store, mail);

        await fixture.StopAsync("n2");
        await fixture.StartAsync("n2");
        await Task.Delay(new ReplicationOptions().DirectoryAge); // for so long the record that was wrong is taken for true
        run = await store.ArchiveAsync(Everything);
        Assert.Equal((10, 0), (run.Moved, run.Failed));
        await AssertReadableAsync(store, mail);

        // What reached n1 the first time is the same record: nothing lies there twice.
        Assert.Equal(10, fixture["n1"].Node.Units[0].GetStatus().RecordCount);
    }

    [Fact]
    public async Task A_lost_disk_is_counted_and_repaired_from_the_other_copies()
    {
        await using var fixture = new NodeFixture();
        foreach (string name in (string[])["n1", "n2", "n3"]) await fixture.StartAsync(name);
        await using IMessageStore store = await OpenAsync(fixture);
        Dictionary<Guid, byte[]> mail = await AppendAsync(store, 40);
        await store.ArchiveAsync(Everything);
        ReplicaRepairRun test = await store.RepairCopiesAsync(new ReplicaRepairOptions());
        Assert.Equal((40, 0), (test.Messages, test.UnderReplicated));
        Assert.Equal(0, (await store.GetStatusAsync()).UnderReplicatedCount);

        // Which two of the three nodes got a batch is a matter of chance: the last by name that got any is lost, so that new copies come before the old ones.
        string unit = (await KeysAsync(store)).Max(k => k.Unit)!, node = DirectoryCache.NodeOf(unit);
        int lost = (await KeysAsync(store)).Count(k => k.Unit == unit);
        await fixture.StopAsync(node);
        System.IO.Directory.Delete(Path.Combine(fixture.Root, node), recursive: true);
        await fixture.StartAsync(node);
        test = await store.RepairCopiesAsync(new ReplicaRepairOptions());
        Assert.Equal(lost, test.UnderReplicated);
        Assert.Equal(lost, (await store.GetStatusAsync()).UnderReplicatedCount);

        ReplicaRepairRun repaired = await store.RepairCopiesAsync(new ReplicaRepairOptions { Repair = true });
        Assert.Equal((40, lost, 0), (repaired.Messages, repaired.Restored, repaired.UnderReplicated));
        test = await store.RepairCopiesAsync(new ReplicaRepairOptions { ReadBodies = true });
        Assert.Equal((40, 0), (test.Messages, test.UnderReplicated));
        Assert.Equal(80, (await KeysAsync(store)).Count);
        Assert.Equal(0, (await store.GetStatusAsync()).UnderReplicatedCount);
        await AssertReadableAsync(store, mail);
    }

    [UnixFact]
    public async Task What_a_node_acknowledges_after_its_volumes_were_deleted_under_it_is_there_when_it_is_started_again()
    {
        await using var fixture = new NodeFixture();
        foreach (string name in (string[])["n1", "n2"]) await fixture.StartAsync(name);
        await using var store = (EmbeddedMessageStore)await OpenAsync(fixture);
        Dictionary<Guid, byte[]> lost = await AppendAsync(store, 10);
        await store.ArchiveAsync(Everything);
        Assert.True(DeleteVolumes(fixture, "n1") > 0);
        Dictionary<Guid, byte[]> later = await AppendAsync(store, 10, 100);
        ArchiveRun run = await store.ArchiveAsync(Everything);
        Assert.Equal((10, 0), (run.Moved, run.Failed));
        Assert.Contains("10 records are gone", Assert.Single(fixture["n1"].Node.Units[0].GetStatus().Notes));

        await fixture.StopAsync("n1");
        await fixture.StartAsync("n1");
        await Task.Delay(new ReplicationOptions().DirectoryAge); // it has another port
        foreach (ArchiveKey key in (await KeysAsync(store)).Where(k => later.ContainsKey(k.Id))) await store.Database.Archive.VerifyAsync(key);
        await AssertReadableAsync(store, lost);
    }

    [UnixFact]
    public async Task Volumes_that_were_deleted_under_a_running_node_are_brought_back_without_a_restart()
    {
        await using var fixture = new NodeFixture();
        foreach (string name in (string[])["n1", "n2"]) await fixture.StartAsync(name);
        await using var store = (EmbeddedMessageStore)await OpenAsync(fixture);
        Dictionary<Guid, byte[]> mail = await AppendAsync(store, 20);
        await store.ArchiveAsync(Everything);
        foreach (bool isWrittenTo in (bool[])[false, true])
        {
            Assert.True(DeleteVolumes(fixture, "n1") > 0);
            if (isWrittenTo)
            {
                foreach ((Guid id, byte[] body) in await AppendAsync(store, 5, 100)) mail.Add(id, body);
                Assert.Equal(5, (await store.ArchiveAsync(Everything)).Moved);
            }
            Assert.Equal((mail.Count, 20), await TestAsync(store));
            ReplicaRepairRun run = await store.RepairCopiesAsync(new ReplicaRepairOptions { Repair = true });
            Assert.Equal((mail.Count, 20, 0), (run.Messages, run.Restored, run.UnderReplicated));
            Assert.Equal((mail.Count, 0), await TestAsync(store));
            Assert.Equal(2 * mail.Count, (await KeysAsync(store)).Count);
            Assert.Equal(mail.Count, fixture["n1"].Node.Units[0].GetStatus().RecordCount);
            await AssertReadableAsync(store, mail);
        }
    }

    [Fact]
    public async Task A_copy_that_a_read_finds_damaged_is_read_from_the_other_node_and_mended()
    {
        await using var fixture = new NodeFixture();
        await fixture.StartAsync("n1");
        await fixture.StartAsync("n2");
        await using var store = (EmbeddedMessageStore)await OpenAsync(fixture);
        Dictionary<Guid, byte[]> mail = await AppendAsync(store, 3);
        await store.ArchiveAsync(Everything);
        ArchiveKey key = (await KeysAsync(store))[0]; // the copy that is read first
        string path = Path.Combine(fixture.Root, DirectoryCache.NodeOf(key.Unit), "disk1", "volumes", key.Volume);
        using (IStorageFile file = DiskStorage.Instance.Open(path, FileAccessKind.ReadWrite)) file.Write(new byte[20], key.Offset + key.Length - 40);

        await AssertReadableAsync(store, mail);
        await AssertReadableAsync(store, mail);
        await store.Database.Nodes!.Repairs.Idle;
        foreach (ArchiveKey copy in await KeysAsync(store)) await store.Database.Archive.VerifyAsync(copy);
        Assert.Equal(6, (await KeysAsync(store)).Count);
    }

    [Fact]
    public async Task A_journaled_message_is_in_the_store_and_on_two_nodes_and_is_not_sent_again_when_it_is_archived()
    {
        await using var fixture = new NodeFixture();
        foreach (string name in (string[])["n1", "n2", "n3"]) await fixture.StartAsync(name);
        await using IMessageStore store = await OpenAsync(fixture);
        Dictionary<Guid, byte[]> mail = await AppendAsync(store, 20, journal: true);
        await AssertReadableAsync(store, mail);
        Assert.Equal(0, (await store.GetStatusAsync()).ArchivedMessageCount);
        List<ArchiveKey> keys = await KeysAsync(store);
        Assert.Equal(20, keys.Select(k => k.Id).Distinct().Count());
        Assert.All(keys.GroupBy(k => k.Id), k => Assert.Equal(2, k.Select(c => DirectoryCache.NodeOf(c.Unit)).Distinct().Count()));
        Assert.Equal((20, 0), await TestAsync(store));

        Guid deleted = mail.Keys.First();
        await store.DeleteAsync(deleted);
        mail.Remove(deleted);
        Assert.DoesNotContain(await KeysAsync(store), k => k.Id == deleted);

        long records = Records(fixture);
        ArchiveRun run = await store.ArchiveAsync(Everything);
        Assert.Equal((19, 0), (run.Moved, run.Failed));
        Assert.Equal(records, Records(fixture));
        Assert.Equal(19, (await store.GetStatusAsync()).ArchivedMessageCount);
        await AssertReadableAsync(store, mail);
    }

    [Fact]
    public async Task Without_enough_nodes_a_message_that_is_to_be_journaled_is_not_stored()
    {
        await using var fixture = new NodeFixture();
        await fixture.StartAsync("n1");
        await using IMessageStore store = await OpenAsync(fixture);
        Assert.Equal(ErrorIds.NotEnoughCopies, (await Assert.ThrowsAsync<MessageStoreException>(() => AppendAsync(store, 1, journal: true))).ErrorId);
        Assert.Equal(0, (await store.GetStatusAsync()).MessageCount);
        Assert.Empty(await KeysAsync(store));
        await AppendAsync(store, 1);
        Assert.Equal(1, (await store.GetStatusAsync()).MessageCount);
    }

    [Fact]
    public async Task Two_databases_in_the_same_directory_have_units_of_their_own_and_the_repair_of_one_leaves_the_other_s_records()
    {
        await using var fixture = new NodeFixture();
        await using IMessageStore ours = await OpenAsync(fixture);
        await using IMessageStore theirs = await OpenAsync(fixture, name: "db2");
        Guid id = (await theirs.GetStatusAsync()).DatabaseId;
        foreach (string name in (string[])["n1", "n2"]) await fixture.StartAsync(name, o => o with { Database = id });
        foreach (string name in (string[])["n3", "n4"]) await fixture.StartAsync(name);
        Dictionary<Guid, byte[]> mail = await AppendAsync(ours, 12), other = await AppendAsync(theirs, 12, 50);
        Assert.Equal((12, 0), await MovedAsync(ours));
        Assert.Equal((12, 0), await MovedAsync(theirs));
        Assert.Empty((await KeysAsync(ours)).Select(k => k.Unit).Intersect((await KeysAsync(theirs)).Select(k => k.Unit)));

        ReplicaRepairRun run = await ours.RepairCopiesAsync(new ReplicaRepairOptions { Repair = true, OrphanGrace = TimeSpan.FromTicks(-1) });
        Assert.Equal((12, 0, 0, 0), (run.Messages, run.UnderReplicated, run.Erased, run.Expired));
        Assert.Empty(run.Problems);
        Assert.Equal(2, run.Units.Count);
        await AssertReadableAsync(ours, mail);
        await AssertReadableAsync(theirs, other);

        async Task<(long, long)> MovedAsync(IMessageStore store)
        {
            ArchiveRun moved = await store.ArchiveAsync(Everything);
            return (moved.Moved, moved.Failed);
        }
    }

    [Fact]
    public async Task Nodes_that_cannot_be_set_up_keep_nobody_from_current_mail()
    {
        await using var fixture = new NodeFixture();
        await fixture.StartAsync("n1");
        await fixture.StartAsync("n2");
        Dictionary<Guid, byte[]> mail;
        string path;
        await using (IMessageStore store = await OpenAsync(fixture))
        {
            path = store.Path;
            mail = await AppendAsync(store, 2);
        }
        File.Delete(Path.Combine(fixture.Root, "key"));
        await using IMessageStore reopened = await MessageDatabase.OpenAsync(path);
        await AssertReadableAsync(reopened, mail);
        var error = await Assert.ThrowsAsync<MessageStoreException>(() => reopened.ArchiveAsync(Everything));
        Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
        Assert.Contains("key", error.Message);
    }

    private static async Task<IMessageStore> OpenAsync(NodeFixture fixture, ReplicationTopology topology = ReplicationTopology.FanOut, string name = "db")
    {
        string path = Path.Combine(fixture.Root, name), key = Path.Combine(fixture.Root, "key");
        await File.WriteAllTextAsync(key, NodeFixture.Key);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = path });
        IMessageStore store = await MessageDatabase.OpenAsync(path);
        await store.SetNodesAsync(new NodeSettings { Directory = fixture.DirectoryFile, KeyFile = key, Topology = topology });
        return store;
    }

    private static async Task<Dictionary<Guid, byte[]>> AppendAsync(IMessageStore store, int count, int first = 1, bool journal = false)
    {
        var mail = new Dictionary<Guid, byte[]>();
        for (int n = first; n < first + count; n++)
        {
            byte[] bytes = System.Text.Encoding.ASCII.GetBytes($"From: a@example.com\nSubject: {n}\n\nFrom here {new string('x', n * 37)}\n");
            using MessageBody body = MessageBody.FromMemory(bytes);
            mail.Add((await store.AppendAsync(new MessageToAppend { Mailbox = $"m{n % 3}", CreateMailbox = true, Body = body, Journal = journal })).Id, bytes);
        }
        return mail;
    }

    /// <summary>Deletes all volumes of a node that is running.</summary>
    /// <returns>How many there were.</returns>
    private static int DeleteVolumes(NodeFixture fixture, string node)
    {
        string[] volumes = System.IO.Directory.GetFiles(Path.Combine(fixture.Root, node, "disk1", "volumes"), "*.mbox.gz", SearchOption.AllDirectories);
        foreach (string volume in volumes) File.Delete(volume);
        return volumes.Length;
    }

    private static long Records(NodeFixture fixture) => ((string[])["n1", "n2", "n3"]).Sum(n => fixture[n].Node.Units[0].GetStatus().RecordCount);

    private static async Task<(long Messages, long UnderReplicated)> TestAsync(IMessageStore store)
    {
        ReplicaRepairRun test = await store.RepairCopiesAsync(new ReplicaRepairOptions { ReadBodies = true });
        return (test.Messages, test.UnderReplicated);
    }

    private static async Task AssertReadableAsync(IMessageStore store, Dictionary<Guid, byte[]> mail)
    {
        foreach ((Guid id, byte[] expected) in mail)
        {
            await using Stream body = await store.OpenReadAsync(id);
            var copy = new MemoryStream();
            await body.CopyToAsync(copy);
            Assert.Equal(expected, copy.ToArray());
        }
    }

    private static async Task<List<ArchiveKey>> KeysAsync(IMessageStore store)
    {
        var keys = new List<ArchiveKey>();
        await foreach (ArchiveKey key in store.ListKeysAsync()) keys.Add(key);
        return keys;
    }
}
