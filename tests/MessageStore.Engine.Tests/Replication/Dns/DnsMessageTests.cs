using System.Net;
using MessageStore.Replication.Dns;
using MessageStore.Tests.Support;
using Xunit.Abstractions;

namespace MessageStore.Tests.Replication.Dns;

public sealed class DnsMessageTests(ITestOutputHelper output)
{
    private const int Messages = 20_000;

    private static readonly DnsName Zone = DnsName.Parse("Storage.Example.org");

    [Fact]
    public void What_is_written_is_read_again()
    {
        DnsMessage message = Sample();
        DnsMessage read = DnsMessage.TryDecode(message.Encode())!;
        Assert.Equal(message.Answers, read.Answers);
        Assert.Equal(message.Authority, read.Authority);
        Assert.Equal((message.Id, message.IsResponse, message.Name, message.Type), (read.Id, read.IsResponse, read.Name, read.Type));
        Assert.Equal(new SrvData(10, 5, 7443, Zone.Child("n1")), read.Answers[0].AsSrv());
        Assert.Equal(["v=1", ""], read.Answers[1].AsText());
        Assert.Equal(IPAddress.Parse("2001:db8::7"), read.Answers[2].AsAddress());
        Assert.Equal(Zone.Child("n2"), read.Answers[3].AsAlias());
    }

    [Fact]
    public void Names_are_equal_whatever_their_case_and_know_their_zone()
    {
        Assert.Equal("storage.example.org", Zone.ToString());
        Assert.Equal(DnsName.Parse("storage.EXAMPLE.org."), Zone);
        Assert.True(Zone.IsWithin(DnsName.Parse("example.org")) && Zone.IsWithin(Zone) && Zone.IsWithin(DnsName.Root));
        Assert.False(Zone.IsWithin(DnsName.Parse("age.example.org")) || DnsName.Parse("org").IsWithin(Zone));
        Assert.Equal("n1", Zone.Child("n1").LabelIn(Zone));
        Assert.Null(Zone.Child("x.n1").LabelIn(Zone));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("müller.example")]
    [InlineData("a b.example")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123.example")]
    public void What_is_no_name_is_refused(string text) => Assert.Equal(ErrorIds.InvalidParameter, Assert.Throws<MessageStoreException>(() => DnsName.Parse(text)).ErrorId);

    [Fact]
    public void A_compressed_answer_is_read()
    {
        // n1.a. in full, then a record whose owner and data point at it.
        byte[] bytes = [.. Header(1), 2, (byte)'N', (byte)'1', 1, (byte)'a', 0, 0, 5, 0, 1, 0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, (byte)'x', 0xC0, 15];
        DnsMessage message = DnsMessage.TryDecode(bytes)!;
        Assert.Equal("n1.a", message.Answers[0].Name.ToString());
        Assert.Equal("x.a", message.Answers[0].AsAlias()!.ToString());
    }

    [Theory]
    [InlineData(new byte[] { 0xC0, 12 })] // itself
    [InlineData(new byte[] { 0xC0, 14, 0xC0, 12 })] // forwards and back
    [InlineData(new byte[] { 1, (byte)'a', 0xC0, 12 })] // grows for ever
    [InlineData(new byte[] { 0x80, 0 })] // reserved kind of label
    [InlineData(new byte[] { 63, 1 })] // longer than the message
    public void A_name_that_goes_in_circles_or_past_the_end_is_refused(byte[] name) =>
        Assert.Null(DnsMessage.TryDecode([.. Header(0), .. name, 0, 1, 0, 1]));

    [Fact]
    public void Pointers_to_pointers_end_where_an_honest_name_would()
    {
        // A record of raw data with a staircase of pointers, each to the one before, and a name that points at its top.
        byte[] stairs = new byte[400];
        for (int at = 2; at < stairs.Length; at += 2)
        {
            int to = 28 + at - 2;
            (stairs[at], stairs[at + 1]) = ((byte)(0xC0 | to >> 8), (byte)to);
        }
        byte[] Message(int top) => [.. Header(2), 0, 0, 1, 0, 1, 0, 0, 99, 0, 1, 0, 0, 0, 0, 1, 0x90, .. stairs, (byte)(0xC0 | top >> 8), (byte)top, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
        Assert.NotNull(DnsMessage.TryDecode(Message(28 + 100)));
        Assert.Null(DnsMessage.TryDecode(Message(28 + 398)));
    }

    [Theory]
    [InlineData("longer")]
    [InlineData("shorter")]
    [InlineData("two questions")]
    [InlineData("record within record")]
    public void A_message_whose_lengths_do_not_fit_is_refused(string how)
    {
        byte[] bytes = Sample().Encode();
        if (how == "two questions") bytes[5] = 2;
        if (how == "record within record") bytes[7]++;
        Assert.Null(DnsMessage.TryDecode(how switch { "longer" => [.. bytes, 0], "shorter" => bytes[..^1], _ => bytes }));
    }

    [Fact]
    public void Random_and_mutated_messages_never_throw_and_take_memory_by_their_length_only()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("MESSAGESTORE_SEED"), out int given) ? given : Random.Shared.Next();
        var random = new Random(seed);
        byte[] sample = Sample().Encode();
        byte[] signed = Tsig.Sign(sample, TsigTests.Key, DateTimeOffset.UnixEpoch, out byte[] mac);
        long largest = 0;
        int read = 0, messages = Fuzz.Cases(Messages);
        for (int n = 0; n < messages; n++)
        {
            byte[] bytes = Mutate(random, n % 3 == 0 ? Noise(random) : n % 3 == 1 ? sample : signed);
            long before = GC.GetAllocatedBytesForCurrentThread();
            if (DnsMessage.TryDecode(bytes) is { } message)
            {
                read++;
                Tsig.Verify(bytes, message, TsigTests.Key, mac, DateTimeOffset.UnixEpoch);
                foreach (DnsRecord record in message.Answers) _ = (record.AsSrv(), record.AsText(), record.AsAddress(), record.AsAlias(), record.AsNegativeTtl(), NodeText.TryParse(record), record.Name.ToString());
            }
            long used = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(used <= 16_384 + 256L * bytes.Length, $"{used} bytes for a message of {bytes.Length} bytes; seed {seed}, message {n}");
            largest = Math.Max(largest, used);
        }
        Assert.InRange(read, 100, messages);
        Proof.Report(output, $"{messages} messages, {read} of them readable, at most {largest} bytes of memory each, seed {seed}");
    }

    private static byte[] Mutate(Random random, byte[] source)
    {
        byte[] bytes = [.. source];
        for (int n = random.Next(8); n > 0; n--)
        {
            int at = random.Next(bytes.Length);
            bytes[at] = random.Next(4) switch { 0 => (byte)random.Next(256), 1 => (byte)(bytes[at] ^ 1 << random.Next(8)), 2 => 0xC0, _ => 0 };
        }
        if (random.Next(4) == 0) bytes = bytes[..random.Next(bytes.Length)];
        return bytes.Length == 0 ? [0] : bytes;
    }

    /// <summary>A header that makes sense, and noise of pointers, labels and numbers behind it.</summary>
    private static byte[] Noise(Random random)
    {
        byte[] bytes = [.. Header(random.Next(8)), .. new byte[random.Next(1200)]];
        for (int at = DnsMessage.HeaderLength; at < bytes.Length; at++) bytes[at] = random.Next(3) switch { 0 => 0xC0, 1 => (byte)random.Next(16), _ => (byte)random.Next(256) };
        return bytes;
    }

    private static byte[] Header(int answers) => [0x12, 0x34, 0x80, 0, 0, 1, 0, (byte)answers, 0, 0, 0, 0];

    private static DnsMessage Sample() => new()
    {
        Id = 0xBEEF,
        IsResponse = true,
        Name = Zone,
        Type = DnsType.Srv,
        Answers =
        [
            DnsRecord.Srv(Zone, 30, new SrvData(10, 5, 7443, Zone.Child("n1"))),
            DnsRecord.Text(Zone, 30, ["v=1", ""]),
            DnsRecord.Address(Zone, 30, IPAddress.Parse("2001:db8::7")),
            new DnsRecord(Zone, DnsType.Cname, DnsClass.Internet, 5, Zone.Child("n2").Wire.ToArray()),
        ],
        Authority = [DnsClientTests.Soa(Zone, 60, 30)],
    };
}
