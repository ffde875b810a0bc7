using System.IO.Compression;
using System.Text;
using MessageStore.Archiving;
using MessageStore.ObjectStorage;
using MessageStore.Tests.Archiving;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.ObjectStorage;

public sealed class ObjectArchiveTargetTests : IDisposable
{
    private const string Mailbox = ArchiveSamples.Mailbox;
    private const string Spool = ObjectBed.Database + "/spool";

    private readonly FakeObjectServer server = new();

    [Fact]
    public async Task Records_are_read_back_by_their_keys_and_by_everyones_tools()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        byte[] body = Encoding.ASCII.GetBytes("Subject: hello\n\nFrom here on\n");
        byte[] large = ArchiveSamples.Body(new Random(1), 100_000);
        IReadOnlyList<ArchiveKey> keys = await AppendAsync(bed, ArchiveSamples.Entry(body, 1), ArchiveSamples.LargeEntry(large, 2));
        Assert.Equal((ObjectArchives.TargetName, ObjectArchiveTarget.Unit, 0), (keys[0].Target, keys[0].Unit, (int)keys[0].Offset));
        Assert.Matches("^[^/]+/2026-07/[0-9a-f]{32}\\.mbox\\.gz$", keys[0].Volume);
        Assert.Equal(body, ArchiveSamples.ReadAll(await bed.Target.OpenAsync(keys[0])));
        Assert.Equal(large, ArchiveSamples.ReadAll(await bed.Target.OpenAsync(keys[1])));
        Assert.Equal(keys[1].Id, (await bed.Target.VerifyAsync(keys[1])).Id);

        using var unpacked = new GZipStream(new MemoryStream(server.Objects["archive/" + keys[0].Volume]), CompressionMode.Decompress);
        Assert.Contains("Subject: hello\n\n>From here on\n", Encoding.Latin1.GetString(ObjectBed.ReadAll(unpacked)));
    }

    [Fact]
    public async Task A_small_pack_is_one_conditional_request_and_a_large_one_goes_in_parts()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        int before = server.Requests.Count;
        await AppendAsync(bed, ArchiveSamples.Entry(new byte[100], 1));
        int put = server.Requests.FindIndex(before, r => r.StartsWith("PUT", StringComparison.Ordinal));
        Assert.Contains("If-None-Match: *", server.Headers[put]);

        before = server.Requests.Count;
        await AppendAsync(bed, ArchiveSamples.Entry(new byte[50_000], 2));
        List<string> requests = server.Requests[before..];
        Assert.Equal(3, requests.Count(r => r.Contains("partNumber", StringComparison.Ordinal)));
        int complete = server.Requests.FindLastIndex(r => r.StartsWith("POST", StringComparison.Ordinal));
        Assert.Contains("If-None-Match: *", server.Headers[complete]);
        Assert.Equal(0, server.OpenUploads);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(50_000)]
    public async Task A_pack_whose_answer_was_lost_is_found_there_and_not_written_twice(int length)
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server, retries: 2);
        bool lost = false;
        server.Fault = (_, request) =>
        {
            bool creates = request.Method == HttpMethod.Put && !request.RequestUri!.Query.Contains("partNumber", StringComparison.Ordinal)
                || request.Method == HttpMethod.Post && request.RequestUri!.Query.Contains("uploadId", StringComparison.Ordinal);
            if (lost || !creates) return ObjectFault.None;
            lost = true;
            return ObjectFault.AnswerLost;
        };
        byte[] body = ArchiveSamples.Body(new Random(1), length);
        IReadOnlyList<ArchiveKey> keys = await AppendAsync(bed, ArchiveSamples.Entry(body, 1));
        Assert.True(lost);
        Assert.Equal(body, ArchiveSamples.ReadAll(await bed.Target.OpenAsync(keys[0])));
        Assert.Equal(1, ObjectBed.RecordsIn(server)[keys[0].Id]);
    }

    [Fact]
    public async Task A_transfer_that_breaks_off_goes_on_from_there()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        byte[] body = ArchiveSamples.Body(new Random(1), 300_000);
        IReadOnlyList<ArchiveKey> keys = await AppendAsync(bed, ArchiveSamples.Entry(body, 1));
        int cuts = 3;
        server.Fault = (_, _) => cuts-- > 0 ? ObjectFault.AnswerCut : ObjectFault.None;
        Assert.Equal(body, ArchiveSamples.ReadAll(await bed.Target.OpenAsync(keys[0])));
        Assert.True(cuts < 0);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_not_waited_for_for_ever()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        using var target = new ObjectArchiveTarget(
            ObjectBed.Bucket(server, 0, TimeSpan.FromSeconds(0.2)), bed.Mail.Settings.DatabaseId, bed.Keys, bed.Storage, Spool, TimeProvider.System);
        server.Fault = (_, _) => ObjectFault.Silent;
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(async () => await target.CheckAsync());
        Assert.Equal(ErrorIds.ArchiveUnavailable, error.ErrorId);
    }

    [Fact]
    public async Task What_an_interrupted_run_left_is_found_again_whatever_its_month()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        var left = new List<Guid>();
        for (int n = 1; n <= 5; n++) left.Add((await AppendAsync(bed, ArchiveSamples.Entry([(byte)n], n)))[0].Id);
        IReadOnlyList<ArchiveKey> recorded = await AppendAsync(bed, ArchiveSamples.Entry([9], 9));
        bed.Keys.Put(recorded);
        using IArchiveSession session = await bed.Target.OpenSessionAsync(Mailbox, ArchiveSamples.Day.AddMonths(2));
        Assert.Equal(left.Order(), session.Unrecorded.Select(r => r.Key.Id).Order());
        foreach (ArchivedRecord record in session.Unrecorded) await bed.Target.VerifyAsync(record.Key);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pack_that_came_late_goes_only_where_its_records_lie_whole_in_another(bool otherIsWhole)
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        ArchiveKey late = (await AppendAsync(bed, ArchiveSamples.Entry([1, 2, 3], 1)))[0];
        ArchiveKey kept = (await AppendAsync(bed, ArchiveSamples.Entry([1, 2, 3], 1)))[0];
        bed.Keys.Put([kept]);
        if (!otherIsWhole) server.Objects["archive/" + kept.Volume][200] ^= 1;
        using IArchiveSession session = await bed.Target.OpenSessionAsync(Mailbox, ArchiveSamples.Day);
        Assert.Equal(!otherIsWhole, server.Objects.ContainsKey("archive/" + late.Volume));
        Assert.Equal(otherIsWhole ? 0 : 1, session.Unrecorded.Count);
        if (otherIsWhole) Assert.Contains(late.Volume, Assert.Single(session.Notes));
    }

    [Fact]
    public async Task Bytes_of_a_pack_that_are_no_records_are_said_and_left_alone()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        string name = $"archive/{ArchivePaths.FolderOf(Mailbox)}/2026-07/x.mbox.gz";
        server.Objects[name] = [1, 2, 3];
        using IArchiveSession session = await bed.Target.OpenSessionAsync(Mailbox, ArchiveSamples.Day);
        Assert.Empty(session.Unrecorded);
        Assert.Contains("3 bytes at offset 0", Assert.Single(session.Notes));
        Assert.True(server.Objects.ContainsKey(name));
    }

    [Fact]
    public async Task A_missing_or_altered_pack_is_damage_and_an_absent_server_is_not()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        ArchiveKey key = (await AppendAsync(bed, ArchiveSamples.Entry(new byte[100], 1)))[0];
        byte[] pack = server.Objects["archive/" + key.Volume];
        pack[^9] ^= 1;
        Assert.Equal(ErrorIds.ArchiveDamaged, await ErrorAsync(bed.Target, key));
        server.Objects["archive/" + key.Volume] = pack[..50];
        Assert.Equal(ErrorIds.ArchiveDamaged, await ErrorAsync(bed.Target, key));
        server.Objects.Remove("archive/" + key.Volume);
        Assert.Equal(ErrorIds.ArchiveDamaged, await ErrorAsync(bed.Target, key));
        Assert.Equal(ErrorIds.ArchiveDamaged, await ErrorAsync(bed.Target, key with { Length = long.MinValue }));
        foreach (ObjectFault fault in (ObjectFault[])[ObjectFault.NotSent, ObjectFault.Refused, ObjectFault.Denied])
        {
            server.Fault = (_, _) => fault;
            Assert.Equal(ErrorIds.ArchiveUnavailable, await ErrorAsync(bed.Target, key));
        }
    }

    [Fact]
    public async Task A_bucket_of_another_database_or_without_a_marker_is_not_touched()
    {
        using (ObjectBed first = await ObjectBed.CreateAsync(server))
        {
            await first.Target.CheckAsync();
            using var stranger = new ObjectArchiveTarget(ObjectBed.Bucket(server, 0), Guid.NewGuid(), first.Keys, first.Storage, Spool, TimeProvider.System);
            MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(async () => await stranger.CheckAsync());
            Assert.Contains("belongs to another database", error.Message);
            first.Keys.Put([(await AppendAsync(first, ArchiveSamples.Entry([1], 1)))[0]]);
            server.Objects.Clear();
            error = await Assert.ThrowsAsync<MessageStoreException>(async () => await first.Target.CheckAsync());
            Assert.Contains("holds no archive.json", error.Message);
            Assert.Empty(server.Objects);
        }
    }

    [Fact]
    public async Task Errors_name_bucket_and_reason_and_show_no_secret()
    {
        using ObjectBed bed = await ObjectBed.CreateAsync(server);
        server.Fault = (_, _) => ObjectFault.Denied;
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(async () => await bed.Target.CheckAsync());
        Assert.Contains("s3://mail/archive/", error.Message);
        Assert.Contains("403 AccessDenied", error.Message);
        Assert.DoesNotContain(ObjectBed.Secret, error.ToString());
        Assert.DoesNotContain(ObjectBed.AccessKey, error.ToString());
        Assert.DoesNotContain(server.Headers, h => h.Contains(ObjectBed.Secret, StringComparison.Ordinal));
    }

    [Fact]
    public void The_engine_finds_the_provider_by_name() => Assert.IsType<ObjectArchiveProvider>(ObjectArchives.Load());

    public void Dispose() => server.Dispose();

    private static async Task<IReadOnlyList<ArchiveKey>> AppendAsync(ObjectBed bed, params ArchiveEntry[] entries)
    {
        using var writer = new ArchiveRecordWriter(ArchiveCompression.Stored, bed.Storage, Spool);
        using var batch = new ArchiveBatch(writer);
        foreach (ArchiveEntry entry in entries) batch.Add(entry);

        using IArchiveSession session = await bed.Target.OpenSessionAsync(Mailbox, ArchiveSamples.Day);
        return await session.AppendAsync(batch);
    }

    private static async Task<string> ErrorAsync(ObjectArchiveTarget target, ArchiveKey key) =>
        (await Assert.ThrowsAsync<MessageStoreException>(async () => await target.VerifyAsync(key))).ErrorId;
}
