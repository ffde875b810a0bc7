using MessageStore.IO;
using MessageStore.Replication;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication;

public sealed class AppendCodecTests
{
    private static readonly AppendRequest Request = new(
        [new Hop("http://127.0.0.1:7001", "n1/u1"), new Hop("https://n2.example.org:7443", "n2/u3")],
        [.. Enumerable.Range(1, 3).Select(n => UnitSamples.Record(n).Bytes).Select(b => new SentRecord(b, Crc32C.Compute(b.Span)))])
    {
        Database = new Guid("0198f000-0000-7000-8000-0000000000ab"),
    };

    [Fact]
    public async Task A_request_arrives_as_it_was_sent()
    {
        byte[] bytes = await new AppendContent(Request).ReadAsByteArrayAsync();
        AppendRequest arrived = AppendCodec.DecodeRequest(bytes);
        Assert.Equal(Request.Hops, arrived.Hops);
        Assert.Equal(Request.Database, arrived.Database);
        Assert.Equal(Request.Records.Select(r => Convert.ToHexString(r.Bytes.Span)), arrived.Records.Select(r => Convert.ToHexString(r.Bytes.Span)));
        Assert.Equal(Request.Records.Select(r => r.Checksum), arrived.Records.Select(r => r.Checksum));
    }

    [Fact]
    public async Task Small_records_share_writes_and_large_ones_go_as_they_are()
    {
        const int Gathered = 256 << 10;
        int[] lengths = [10, Gathered - 100, 1, Gathered - 8, Gathered - 7, 3 * Gathered, 2, .. Enumerable.Repeat(4096, 100)];
        var random = new Random(7);
        SentRecord[] records = [.. lengths.Select(n => new byte[n]).Select(b =>
        {
            random.NextBytes(b);
            return new SentRecord(b, Crc32C.Compute(b));
        })];
        using var sent = new CountingStream();
        using var content = new AppendContent(Request with { Records = records });
        await content.CopyToAsync(sent);
        Assert.Equal(content.Headers.ContentLength, sent.Length);
        AppendRequest arrived = AppendCodec.DecodeRequest(sent.ToArray());
        Assert.Equal(records.Length, arrived.Records.Count);
        for (int n = 0; n < records.Length; n++)
        {
            Assert.Equal(records[n].Checksum, arrived.Records[n].Checksum);
            Assert.True(records[n].Bytes.Span.SequenceEqual(arrived.Records[n].Bytes.Span), $"record {n} of {lengths[n]} bytes");
        }
        Assert.InRange(sent.Writes, 1, 12); // 107 records
    }

    [Fact]
    public void An_answer_arrives_as_it_was_sent()
    {
        const string Volume = "2026-07-31/never-00000001.mbox.gz";
        HopAnswer[] answers =
        [
            new("n1/u1", [new(Volume, 48, 700), new(Volume, 748, 701), new("2026-08-01/never-00000001.mbox.gz", 48, 9)], null),
            new("n2/u3", [], new MessageStoreException(ErrorIds.DiskFull, ErrorKind.Device, "The disk is full.")),
        ];
        IReadOnlyList<HopAnswer> arrived = AppendCodec.DecodeAnswer(AppendCodec.EncodeAnswer(answers), Request);
        Assert.Equal(answers[0].Places, arrived[0].Places);
        Assert.True(arrived[0].IsAcknowledged);
        Assert.Equal(ErrorIds.DiskFull, arrived[1].Error!.ErrorId);
        Assert.Equal("The disk is full.", arrived[1].Error!.Message);
    }

    [Fact]
    public async Task Bytes_of_any_kind_are_an_error_and_never_a_crash()
    {
        byte[] whole = await new AppendContent(Request).ReadAsByteArrayAsync();
        byte[] answer = AppendCodec.EncodeAnswer([.. Request.Hops.Select(h => new HopAnswer(h.Unit, [.. Request.Records.Select(r => new RecordPlace("2026-07-31/never-00000001.mbox.gz", 48, r.Bytes.Length))], null))]);
        var random = new Random(11);
        for (int round = 0, rounds = Fuzz.Cases(20_000); round < rounds; round++)
        {
            byte[] request = Mutate(whole);
            try
            {
                AppendRequest decoded = AppendCodec.DecodeRequest(request);
                Assert.InRange(decoded.Records.Count, 1, AppendRequest.RecordCountLimit);
            }
            catch (MessageStoreException error) when (error.ErrorId == ErrorIds.MessageDamaged)
            {
            }

            // An acknowledgement is never read out of bytes that were not sent.
            byte[] mutated = Mutate(answer);
            if (!mutated.AsSpan().SequenceEqual(answer)) Assert.Throws<InvalidDataException>(() => AppendCodec.DecodeAnswer(mutated, Request));
        }

        byte[] Mutate(byte[] origin)
        {
            byte[] bytes = random.Next(3) == 0 ? origin[..random.Next(origin.Length)] : [.. origin];
            for (int changes = random.Next(1, 4); changes > 0 && bytes.Length > 0; changes--) bytes[random.Next(Math.Min(bytes.Length, 200))] = (byte)random.Next(256);
            return bytes;
        }
    }

    private sealed class CountingStream : MemoryStream
    {
        public int Writes { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes++;
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
