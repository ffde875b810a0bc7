using System.Text;
using MessageStore.Replication.Dns;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Replication.Dns;

public sealed class TsigTests
{
    internal static readonly TsigKey Key = new(DnsName.Parse("node-key"), Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef"));

    private static readonly TsigKey OtherSecret = new(Key.Name, new byte[32]);
    private static readonly TsigKey OtherName = new(DnsName.Parse("other-key"), Key.Secret.ToArray());
    private static readonly DateTimeOffset Now = new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly byte[] RequestMac = [1, 2, 3];

    [Fact]
    public void A_signed_answer_is_good_with_the_key_and_the_question_that_it_was_made_for()
    {
        byte[] bytes = Signed();
        Assert.Equal(TsigResult.Good, Verify(bytes));
        Assert.Equal(TsigResult.Wrong, Verify(bytes, OtherSecret));
        Assert.Equal(TsigResult.Wrong, Verify(bytes, OtherName));
        Assert.Equal(TsigResult.Wrong, Tsig.Verify(bytes, DnsMessage.TryDecode(bytes)!, Key, [9, 9, 9], Now));
        Assert.Equal(TsigResult.Missing, Verify(Answer().Encode()));
    }

    [Fact]
    public void Clocks_may_differ_by_five_minutes_and_not_more()
    {
        byte[] bytes = Signed();
        Assert.Equal(TsigResult.Good, Verify(bytes, at: Now.AddSeconds(300)));
        Assert.Equal(TsigResult.WrongTime, Verify(bytes, at: Now.AddSeconds(301)));
        Assert.Equal(TsigResult.WrongTime, Verify(bytes, at: Now.AddSeconds(-301)));
    }

    [Fact]
    public void No_bit_of_the_message_can_change_unnoticed()
    {
        byte[] bytes = Signed();
        int signature = DnsMessage.TryDecode(bytes)!.SignatureAt!.Value;
        for (int bit = 16; bit < signature * 8; bit++) // the id is compared by the client, and may be changed by those who forward
        {
            byte[] changed = [.. bytes];
            changed[bit / 8] ^= (byte)(1 << bit % 8);
            if (DnsMessage.TryDecode(changed) is { } message) Assert.NotEqual(TsigResult.Good, Tsig.Verify(changed, message, Key, RequestMac, Now));
        }
    }

    [Fact]
    public void A_signature_that_is_not_the_last_record_is_refused()
    {
        byte[] bytes = Signed();
        byte[] extra = [.. bytes, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0];
        extra[11]++;
        Assert.Null(DnsMessage.TryDecode(extra));
    }

    [Fact]
    public void A_key_file_of_tsig_keygen_is_read()
    {
        TsigKey key = TsigKey.Parse("# made today\nkey \"Node.Example\" {\n\talgorithm hmac-sha256;\n\tsecret \"MDEyMzQ1Njc4OWFiY2RlZg==\";\n};\n", "k");
        Assert.Equal("node.example", key.ToString());
        Assert.Equal("0123456789abcdef", Encoding.ASCII.GetString(key.Secret));
    }

    [Theory]
    [InlineData("")]
    [InlineData("key \"a\" { algorithm hmac-md5; secret \"MDEyMzQ1Njc4OWFiY2RlZg==\"; };")]
    [InlineData("key \"a\" { algorithm hmac-sha256; secret \"c2hvcnQ=\"; };")]
    [InlineData("key \"a\" { algorithm hmac-sha256; secret \"====\"; };")]
    public void A_file_that_holds_no_usable_key_is_refused_without_showing_it(string text)
    {
        var error = Assert.Throws<MessageStoreException>(() => TsigKey.Parse(text, "/etc/k.key"));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
        Assert.Contains("/etc/k.key", error.Message);
        Assert.DoesNotContain("MDEy", error.Message);
    }

    [Fact]
    public void A_key_file_that_is_not_there_is_said_to_be_missing() =>
        Assert.Equal(ErrorIds.PathNotFound, Assert.Throws<MessageStoreException>(() => TsigKey.Load(new MemoryStorage(), Path.GetFullPath("/none.key"))).ErrorId);

    private static DnsMessage Answer() => new()
    {
        Id = 7, IsResponse = true, Name = DnsName.Parse("a.example"), Type = DnsType.Txt, Answers = [DnsRecord.Text(DnsName.Parse("a.example"), 60, ["hello"])],
    };

    private static byte[] Signed() => Tsig.Sign(Answer().Encode(), Key, Now, RequestMac, out _);

    private static TsigResult Verify(byte[] bytes, TsigKey? key = null, DateTimeOffset? at = null) =>
        Tsig.Verify(bytes, DnsMessage.TryDecode(bytes)!, key ?? Key, RequestMac, at ?? Now);
}
