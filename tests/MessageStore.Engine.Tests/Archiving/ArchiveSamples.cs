using System.Text;
using MessageStore.Archiving;
using MessageStore.IO;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Archiving;

/// <summary>Messages, and an archive on a disk in memory.</summary>
internal static class ArchiveSamples
{
    public const string Mailbox = "Käthe@example.org";
    public static readonly string Root = Path.GetFullPath("/nas/archive");
    public static readonly string Spool = Path.GetFullPath("/spool");
    public static readonly Guid DatabaseId = new("3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    public static readonly DateTimeOffset Day = new(2026, 7, 31, 23, 59, 58, TimeSpan.Zero);

    public static MemoryStorage Fresh()
    {
        var storage = new MemoryStorage();
        storage.CreateFolder(Spool);
        storage.CreateFolder(Path.GetDirectoryName(Root)!);
        storage.FlushFolder(Path.GetPathRoot(Root)!);
        ArchiveMarker.Create(storage, Root, DatabaseId);
        return storage;
    }

    public static ArchiveEntry Entry(byte[] body, int number = 1, string mailbox = Mailbox) => new()
    {
        Id = new Guid(number, 0, 0x7000, 0x80, 0, 0, 0, 0, 0, 0, 1),
        Mailbox = mailbox,
        Folder = "Archív/2026",
        Flags = MessageFlags.Read | MessageFlags.Flagged,
        Sender = "Joe <joe@example.org>",
        ReceivedDate = new DateTimeOffset(2019, 2, 3, 4, 5, 6, TimeSpan.FromHours(2)).AddTicks(1234567),
        StorageDate = Day,
        DeletionDate = number % 2 == 0 ? null : Day.AddYears(10),
        Body = MessageBody.FromMemory(body),
    };

    /// <summary>A body that the writer has to take as one that is not in memory.</summary>
    public static ArchiveEntry LargeEntry(byte[] body, int number = 1) => Entry([], number) with { Body = new SpooledBody(body, int.MaxValue) };

    /// <summary>The same, of which only the first bytes can be read.</summary>
    public static ArchiveEntry BrokenEntry(byte[] body, int readable) => Entry([]) with { Body = new SpooledBody(body, readable) };

    /// <summary>A mean message of about the given length: From lines, quoted ones, CRLF, bare CR, zeros, any bytes.</summary>
    public static byte[] Body(Random random, int length)
    {
        string[] lines = ["From ", "From me\n", ">From you\r\n", ">>>From x", "\n", "\r\n", "\r", "From", "F", ">", "Subject: x\n", "\0\0", "plain text of a line\n"];
        var body = new List<byte>(length + 32);
        while (body.Count < length)
        {
            if (random.Next(8) > 0)
            {
                body.AddRange(Encoding.ASCII.GetBytes(lines[random.Next(lines.Length)]));
                continue;
            }
            var noise = new byte[random.Next(1, Math.Max(2, Math.Min(length, 4000)))];
            random.NextBytes(noise);
            body.AddRange(noise);
        }
        return [.. body.Take(length)];
    }

    public static byte[] ReadAll(Stream stream)
    {
        using (stream)
        {
            var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        }
    }

    /// <summary>A body as a temporary file holds it: only its head is in memory.</summary>
    private sealed class SpooledBody(byte[] bytes, int readable) : MessageBody
    {
        private readonly byte[] digest = System.Security.Cryptography.SHA256.HashData(bytes);

        public override long Length => bytes.Length;

        public override ReadOnlySpan<byte> Sha256 => digest;

        public override ReadOnlyMemory<byte> Head => bytes.AsMemory(0, Math.Min(bytes.Length - 1, HeadLimit));

        public override int Read(Span<byte> buffer, long offset)
        {
            if (offset >= readable) throw new IOException("The device does not answer.");
            int count = (int)Math.Min(Math.Min(buffer.Length, 70_001), bytes.Length - offset);
            bytes.AsSpan((int)offset, count).CopyTo(buffer);
            return count;
        }
    }
}
