using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MessageStore.Replication.Dns;

/// <summary>What the signature of an answer was found to be.</summary>
internal enum TsigResult
{
    Good,
    /// <summary>The answer is not signed.</summary>
    Missing,
    /// <summary>The server says that it does not know the key, or that our signature is wrong. Such an answer is not signed, so anybody may have sent it.</summary>
    Rejected,
    /// <summary>Signed, but not with this key, or changed on the way.</summary>
    Wrong,
    /// <summary>Signed at another time than now.</summary>
    WrongTime,
}

/// <summary>Signs messages and checks answers (RFC 8945).</summary>
internal static class Tsig
{
    /// <summary>By how many seconds clocks may differ (RFC 8945 §10).</summary>
    public const ushort Fudge = 300;

    private const int AdditionalCountAt = 10;
    private const int TimeLength = 6;

    private static readonly DnsName Algorithm = DnsName.Parse(TsigKey.AlgorithmName);

    /// <summary>Puts a signature behind a message.</summary>
    /// <param name="message">The message, not signed yet.</param>
    /// <param name="key">The key.</param>
    /// <param name="now">When it is signed.</param>
    /// <param name="mac">The signature, which the answer's signature covers too.</param>
    public static byte[] Sign(ReadOnlySpan<byte> message, TsigKey key, DateTimeOffset now, out byte[] mac) => Sign(message, key, now, [], out mac);

    /// <summary>The same for an answer, whose signature covers the question's.</summary>
    public static byte[] Sign(ReadOnlySpan<byte> message, TsigKey key, DateTimeOffset now, ReadOnlySpan<byte> requestMac, out byte[] mac)
    {
        ulong time = (ulong)now.ToUnixTimeSeconds();
        mac = Compute(requestMac, message, key, time, Fudge, 0, []);
        var data = new DnsWriter();
        data.Write(Algorithm);
        WriteTime(data, time);
        data.Write(Fudge);
        data.Write((ushort)mac.Length);
        data.Write(mac);
        data.Write(message[..sizeof(ushort)]); // the original id
        data.Write((ushort)0);
        data.Write((ushort)0);
        var signed = new DnsWriter();
        signed.Write(message);
        signed.Write(new DnsRecord(key.Name, DnsType.Tsig, DnsClass.Any, 0, data.Span.ToArray()));
        byte[] bytes = signed.Span.ToArray();
        AddToCount(bytes, 1);
        return bytes;
    }

    /// <summary>Checks the signature of an answer.</summary>
    /// <param name="bytes">The answer as it came.</param>
    /// <param name="message">The same, decoded.</param>
    /// <param name="key">The key that the question was signed with.</param>
    /// <param name="requestMac">The question's signature.</param>
    /// <param name="now">What time it is.</param>
    public static TsigResult Verify(ReadOnlySpan<byte> bytes, DnsMessage message, TsigKey key, ReadOnlySpan<byte> requestMac, DateTimeOffset now)
    {
        if (message.SignatureAt is not { } at) return TsigResult.Missing;
        DnsRecord record = message.Additional[^1];
        var reader = new DnsReader(record.Data);
        if (!reader.TryRead(out DnsName algorithm) || !reader.TryRead(TimeLength, out ReadOnlySpan<byte> timeBytes) || !reader.TryRead(out ushort fudge)
            || !reader.TryRead(out ushort macLength) || !reader.TryRead(macLength, out ReadOnlySpan<byte> mac) || !reader.TryRead(2, out ReadOnlySpan<byte> originalId)
            || !reader.TryRead(out ushort error) || !reader.TryRead(out ushort otherLength) || !reader.TryRead(otherLength, out ReadOnlySpan<byte> other) || !reader.AtEnd)
            return TsigResult.Wrong;
        if (error != 0 && macLength == 0) return TsigResult.Rejected;
        if (!algorithm.Equals(Algorithm) || !record.Name.Equals(key.Name) || record.Class != DnsClass.Any || macLength != HMACSHA256.HashSizeInBytes) return TsigResult.Wrong;

        byte[] unsigned = bytes[..at].ToArray();
        originalId.CopyTo(unsigned);
        AddToCount(unsigned, -1);
        ulong time = BinaryPrimitives.ReadUInt16BigEndian(timeBytes) * (1UL << 32) + BinaryPrimitives.ReadUInt32BigEndian(timeBytes[2..]);
        if (!CryptographicOperations.FixedTimeEquals(mac, Compute(requestMac, unsigned, key, time, fudge, error, other))) return TsigResult.Wrong;
        bool isNow = Math.Abs(now.ToUnixTimeSeconds() - (long)time) <= fudge;
        return error == 0 && isNow ? TsigResult.Good : TsigResult.WrongTime;
    }

    /// <summary>The digest over request's signature, message and the signature's own fields (RFC 8945 §4.3).</summary>
    private static byte[] Compute(ReadOnlySpan<byte> requestMac, ReadOnlySpan<byte> message, TsigKey key, ulong time, ushort fudge, ushort error, ReadOnlySpan<byte> other)
    {
        var signed = new DnsWriter();
        if (!requestMac.IsEmpty)
        {
            signed.Write((ushort)requestMac.Length);
            signed.Write(requestMac);
        }
        signed.Write(message);
        signed.Write(key.Name);
        signed.Write((ushort)DnsClass.Any);
        signed.Write(0u);
        signed.Write(Algorithm);
        WriteTime(signed, time);
        signed.Write(fudge);
        signed.Write(error);
        signed.Write((ushort)other.Length);
        signed.Write(other);
        return HMACSHA256.HashData(key.Secret, signed.Span);
    }

    private static void WriteTime(DnsWriter writer, ulong time)
    {
        writer.Write((ushort)(time >> 32));
        writer.Write((uint)time);
    }

    private static void AddToCount(Span<byte> message, int number)
    {
        Span<byte> count = message[AdditionalCountAt..];
        BinaryPrimitives.WriteUInt16BigEndian(count, (ushort)(BinaryPrimitives.ReadUInt16BigEndian(count) + number));
    }
}
