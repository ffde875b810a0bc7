using System.Buffers.Binary;
using System.Text;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>The bytes of an append request and its answer on the wire. Keep in step with docs/replication.md, which has them byte by byte.</summary>
internal static class AppendCodec
{
    public const string ContentType = "application/x-messagestore-records";

    /// <summary>The largest request: the records and what frames them.</summary>
    public const long RequestLimit = AppendRequest.BytesLimit + UnitOptions.RecordLimit + (1 << 20);

    /// <summary>Length and checksum before a record, in bytes.</summary>
    public const int RecordHeadLength = 8;

    private const int TextLimit = 4096;
    private const int GuidLength = 16;

    private static ReadOnlySpan<byte> RequestMagic => "MSA2"u8;

    private static ReadOnlySpan<byte> AnswerMagic => "MSR1"u8;

    /// <summary>Everything of a request before its records.</summary>
    public static byte[] EncodeHead(AppendRequest request)
    {
        using var head = new PooledBuffer(1024);
        head.Write(RequestMagic);
        WriteInt32(head, request.Records.Count);
        WriteUInt16(head, request.Hops.Count);
        foreach (Hop hop in request.Hops)
        {
            WriteText(head, hop.Url);
            WriteText(head, hop.Unit);
        }
        request.Database.TryWriteBytes(head.GetSpan(GuidLength), bigEndian: true, out _);
        head.Advance(GuidLength);
        WriteInt32(head, (int)Crc32C.Compute(head.Span));
        return head.Span.ToArray();
    }

    /// <summary>Length and checksum that stand before a record.</summary>
    public static void WriteRecordHead(Span<byte> target, SentRecord record)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, record.Bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], record.Checksum);
    }

    /// <summary>Length of a whole request in bytes.</summary>
    public static long LengthOf(byte[] head, AppendRequest request) => head.Length + request.Records.Sum(r => (long)RecordHeadLength + r.Bytes.Length);

    /// <summary>Reads a request that has arrived whole; its records are slices of it.</summary>
    /// <exception cref="MessageStoreException">MessageDamaged: it is no request, or not what was sent.</exception>
    public static AppendRequest DecodeRequest(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var reader = new Reader(bytes.Span);
            reader.Magic(RequestMagic);
            int count = reader.Int32();
            if (count is < 1 or > AppendRequest.RecordCountLimit) throw new InvalidDataException($"it says that it has {count} records");
            int hopCount = reader.UInt16();
            if (hopCount is < 1 or > AppendRequest.HopLimit) throw new InvalidDataException($"it says that it has {hopCount} hops");
            var hops = new Hop[hopCount];
            for (int at = 0; at < hopCount; at++) hops[at] = new Hop(reader.Text(), reader.Text());
            Guid database = reader.Guid();
            reader.Checksum();
            var records = new SentRecord[count];
            for (int at = 0; at < count; at++)
            {
                int length = reader.Int32();
                uint checksum = (uint)reader.Int32();
                if (length is < 1 or > UnitOptions.RecordLimit) throw new InvalidDataException($"a record of {length} bytes");
                records[at] = new SentRecord(bytes.Slice(reader.Skip(length), length), checksum);
            }
            return reader.IsAtEnd ? new AppendRequest(hops, records) { Database = database } : throw new InvalidDataException("something follows its records");
        }
        catch (InvalidDataException error)
        {
            throw new MessageStoreException(ErrorIds.MessageDamaged, ErrorKind.Damaged, $"The append request makes no sense: {error.Message}.");
        }
    }

    public static byte[] EncodeAnswer(IReadOnlyList<HopAnswer> answers)
    {
        using var target = new PooledBuffer(4096);
        target.Write(AnswerMagic);
        WriteUInt16(target, answers.Count);
        foreach (HopAnswer answer in answers)
        {
            WriteText(target, answer.Unit);
            WriteText(target, answer.Error?.ErrorId ?? "");
            WriteText(target, answer.Error?.Message ?? "");
            WriteInt32(target, answer.Places.Count);
            string last = "";
            foreach (RecordPlace place in answer.Places)
            {
                WriteText(target, place.Volume == last ? "" : place.Volume);
                last = place.Volume;
                WriteInt64(target, place.Offset);
                WriteInt64(target, place.Length);
            }
        }
        WriteInt32(target, (int)Crc32C.Compute(target.Span));
        return target.Span.ToArray();
    }

    /// <summary>Reads an answer and makes sure that it answers the request.</summary>
    /// <exception cref="InvalidDataException">It does not.</exception>
    public static IReadOnlyList<HopAnswer> DecodeAnswer(ReadOnlySpan<byte> bytes, AppendRequest request)
    {
        var reader = new Reader(bytes);
        reader.Magic(AnswerMagic);
        if (reader.UInt16() != request.Hops.Count) throw new InvalidDataException("it answers for other hops");
        var answers = new HopAnswer[request.Hops.Count];
        for (int hop = 0; hop < answers.Length; hop++)
        {
            string unit = reader.Text(), errorId = reader.Text(), message = reader.Text();
            int count = reader.Int32();
            if (unit != request.Hops[hop].Unit) throw new InvalidDataException($"it answers for unit {unit}");
            if (count != (errorId.Length > 0 ? 0 : request.Records.Count)) throw new InvalidDataException($"it has {count} places for {request.Records.Count} records");
            var places = new RecordPlace[count];
            string last = "";
            for (int at = 0; at < count; at++)
            {
                if (reader.Text() is { Length: > 0 } volume) last = volume;
                long offset = reader.Int64(), length = reader.Int64();
                if (!VolumeName.TryParse(last, out _) || offset < 0 || length is < 1 or > UnitOptions.RecordLimit) throw new InvalidDataException("a place makes no sense");
                places[at] = new RecordPlace(last, offset, length);
            }
            answers[hop] = new HopAnswer(unit, places, errorId.Length == 0 ? null : new MessageStoreException(errorId, ErrorKind.Device, message, unit));
        }
        reader.Checksum();
        return reader.IsAtEnd ? answers : throw new InvalidDataException("something follows its end");
    }

    private static void WriteUInt16(PooledBuffer target, int value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(target.GetSpan(2), checked((ushort)value));
        target.Advance(2);
    }

    private static void WriteInt32(PooledBuffer target, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target.GetSpan(4), value);
        target.Advance(4);
    }

    private static void WriteInt64(PooledBuffer target, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target.GetSpan(8), value);
        target.Advance(8);
    }

    private static void WriteText(PooledBuffer target, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text.Length > TextLimit / 4 ? text[..(TextLimit / 4)] : text);
        WriteUInt16(target, bytes.Length);
        target.Write(bytes);
    }

    /// <summary>Reads forward; what goes beyond the end is an <see cref="InvalidDataException"/>.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> bytes = bytes;
        private int position;

        public readonly bool IsAtEnd => position == bytes.Length;

        public void Magic(ReadOnlySpan<byte> magic)
        {
            int at = Skip(magic.Length);
            if (!bytes[at..].StartsWith(magic)) throw new InvalidDataException("it does not begin as one");
        }

        public int UInt16()
        {
            int at = Skip(2);
            return BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
        }

        public int Int32()
        {
            int at = Skip(4);
            return BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
        }

        public long Int64()
        {
            int at = Skip(8);
            return BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
        }

        public Guid Guid()
        {
            int at = Skip(GuidLength);
            return new Guid(bytes.Slice(at, GuidLength), bigEndian: true);
        }

        public string Text()
        {
            int length = UInt16();
            if (length > TextLimit) throw new InvalidDataException($"a text of {length} bytes");
            int at = Skip(length);
            return Encoding.UTF8.GetString(bytes.Slice(at, length));
        }

        /// <summary>Reads the checksum of all before it.</summary>
        public void Checksum()
        {
            uint computed = Crc32C.Compute(bytes[..position]);
            if ((uint)Int32() != computed) throw new InvalidDataException("its checksum is wrong");
        }

        /// <summary>Passes over bytes and returns where they begin.</summary>
        public int Skip(int count)
        {
            if (count > bytes.Length - position) throw new InvalidDataException("it ends too early");
            int at = position;
            position += count;
            return at;
        }
    }
}
