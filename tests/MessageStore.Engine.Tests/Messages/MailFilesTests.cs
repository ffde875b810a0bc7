using System.IO.Compression;
using System.Text;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages;

public class MailFilesTests
{
    private const string Mail = "From: a@b\nSubject: c\n\nd\n";
    private const string Line = "From joe@example.org Thu Aug 22 12:36:23 2002\n";

    private static readonly string Info = OperatingSystem.IsWindows() ? ";2," : ":2,";

    [Fact]
    public void A_missing_path_is_named()
    {
        var error = Assert.Throws<MessageStoreException>(() => MailFiles.Open("/no/such/path"));
        Assert.Equal(ErrorIds.PathNotFound, error.ErrorId);
        Assert.Contains("/no/such/path".Replace('/', Path.DirectorySeparatorChar), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x.eml", Mail)]
    [InlineData("x.eml", "")]
    [InlineData("x.eml", "no header at all")]
    [InlineData("x.eml", Line + Mail)]
    [InlineData("x.EML", "caf\u00e9\r\n\r\n")]
    [InlineData("x.msg", Mail)]
    [InlineData("x", "\nReceived: x\n\ty\nX-Y: z\n\nbody")]
    [InlineData("x.txt", ">From a\nReturn-Path: <a>\n")]
    public void A_file_that_is_one_message_is_taken_byte_for_byte(string name, string content)
    {
        using var folder = new TemporaryFolder();
        Assert.Equal([content], Read(folder.Write(name, Encoding.Latin1.GetBytes(content))));
    }

    [Theory]
    [InlineData("x.mbox")]
    [InlineData("x.mbx")]
    [InlineData("Inbox")]
    public void An_mbox_is_known_by_its_name_or_its_first_line(string name)
    {
        using var folder = new TemporaryFolder();
        byte[] mbox = Encoding.Latin1.GetBytes($"{Line}{Mail}\n{Line}{Mail}\n");
        SourceItem[] items = [.. MailFiles.Open(folder.Write(name, mbox))];
        Assert.Equal([folder[name] + "#1", folder[name] + "#2"], items.Select(item => item.Message!.Origin));
        Assert.All(items, item => Assert.Equal(new DateTimeOffset(2002, 8, 22, 12, 36, 23, default), item.Message!.ReceivedDate));
        Assert.Equal([Mail, Mail], Read(folder.Write(name + ".gz", Pack(mbox))));
    }

    [Theory]
    [InlineData("x.mbox")]
    [InlineData("x")]
    public void An_empty_mbox_holds_no_messages(string name)
    {
        using var folder = new TemporaryFolder();
        Assert.Empty(MailFiles.Open(folder.Write(name, [])));
    }

    [Fact]
    public void A_packed_message_is_unpacked()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal([Mail], Read(folder.Write("x.eml.gz", Pack(Encoding.ASCII.GetBytes(Mail)))));
    }

    public static TheoryData<string, byte[]> NoMail => new()
    {
        { "photo.png", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0] },
        { "photo.eml", [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0] },
        { "program.eml", [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1] },
        { "program", [0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1] },
        { "zeros.eml", new byte[100] },
        { "x.mbox", [.. "Subject: not an mbox\n\n"u8] },
        { "readme.txt", [.. "Note: this is text\nand more\n"u8] },
        { "notes", [.. "Title: x\nAuthor: y\n\n"u8] },
        { "x.eml", [.. "%PDF-1.7\n"u8] },
        { "x.gz", Pack([1, 2, 3, 4]) },
    };

    [Theory]
    [MemberData(nameof(NoMail))]
    public void A_file_that_is_no_mail_is_named(string name, byte[] content)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(name, content);
        MessageStoreException error = Assert.Single(MailFiles.Open(path)).Error!;
        Assert.Equal(ErrorIds.NotMail, error.ErrorId);
        Assert.Equal(path, error.Target);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_read_with_all_below_it_and_a_bad_file_does_not_end_it()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.eml", "A: 1\n\n"u8);
        folder.Write("b/c.mbox", Encoding.ASCII.GetBytes($"{Line}C: 2\n\n"));
        folder.Write("b/d.png", [0x89, (byte)'P', (byte)'N', (byte)'G']);
        folder.Write("b/.hidden", [1, 2, 3]);
        folder.Write($"b/Maildir/cur/1030000000.a{Info}S", "E: 3\n\n"u8);
        folder.Write("z.eml", "Z: 4\n\n"u8);
        SourceItem[] items = [.. MailFiles.Open(folder.Path)];
        Assert.Equal([folder["a.eml"], folder[$"b/Maildir/cur/1030000000.a{Info}S"], folder["b/c.mbox"] + "#1", folder["b/d.png"], folder["z.eml"]],
            items.Select(item => item.IsMessage ? item.Message.Origin : item.Error.Target));
        Assert.Equal(ErrorIds.NotMail, items[3].Error!.ErrorId);
    }

    [Fact]
    public void A_Maildir_gives_dates_flags_and_folders()
    {
        using var folder = new TemporaryFolder();
        folder.Write($"cur/1030000001.M1P2.host{Info}FS", "a"u8);
        folder.Write("cur/1030000002.M1P2.host,S=12;2,RD", "b"u8);
        folder.Write("cur/noseconds!2,TP", "c"u8);
        folder.Write("new/1030000003.M1P2.host", "d"u8);
        folder.Write("tmp/1030000004.M1P2.host", "e"u8);
        folder.Write($".Sent.2020/cur/1030000005.x{Info}S", Pack("packed"u8.ToArray()));
        folder.Write(".Entw&APw-rfe/new/1030000006.x", []);
        folder.Write(".bad..name/cur/1030000007.x", "f"u8);
        folder.Write(".notmail/x", "g"u8);
        folder.Write("dovecot-uidlist", "h"u8);
        SourceItem[] items = [.. MailFiles.Open(folder.Path)];

        var found = items.Where(item => item.IsMessage).Select(item => item.Message!)
            .Select(message => (Encoding.ASCII.GetString(message.Body.Head.Span), message.ReceivedDate?.ToUnixTimeSeconds(), message.Flags, message.Folder));
        Assert.Equal(
        [
            ("a", 1030000001, MessageFlags.Flagged | MessageFlags.Read, null),
            ("b", 1030000002, MessageFlags.Answered | MessageFlags.Draft, null),
            ("c", null, MessageFlags.None, null),
            ("d", 1030000003, MessageFlags.None, null),
            ("", 1030000006, MessageFlags.None, "Entwürfe"),
            ("packed", 1030000005, MessageFlags.Read, "Sent/2020"),
        ], found);
        MessageStoreException error = Assert.Single(items, item => !item.IsMessage).Error!;
        Assert.Equal(ErrorIds.InvalidName, error.ErrorId);
        Assert.Contains(".bad..name", error.Message, StringComparison.Ordinal);

        SourceMessage alone = Assert.Single(MailFiles.Open(folder[".Sent.2020/cur"])).Message!;
        Assert.Equal((MessageFlags.Read, null), (alone.Flags, alone.Folder));
    }

    [Fact]
    public void A_message_of_150_MB_in_a_packed_mbox_takes_no_more_memory_than_a_small_one()
    {
        const int Chunks = 150;
        using var folder = new TemporaryFolder();
        byte[] chunk = new byte[1 << 20];
        for (int at = 0; at < chunk.Length; at += 64) "\n>From the same line over and over again, and then a bit more.."u8.CopyTo(chunk.AsSpan(at));
        using (var packed = new GZipStream(File.Create(folder["big.mbox.gz"]), CompressionLevel.Fastest))
        {
            packed.Write(Encoding.ASCII.GetBytes(Line));
            for (int n = 0; n < Chunks; n++) packed.Write(chunk);
            packed.Write(Encoding.ASCII.GetBytes($"\n\n{Line}{Mail}\n"));
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        using IEnumerator<SourceItem> items = MailFiles.Open(folder["big.mbox.gz"]).GetEnumerator();
        Assert.True(items.MoveNext());
        using (MessageBody big = items.Current.Message!.Body)
        {
            Assert.IsType<SpooledBody>(big);
            Assert.False(big.IsInMemory);
            Assert.Equal(MessageBody.HeadLimit, big.Head.Length);
            Assert.Equal(150L * ((1 << 20) - (1 << 14)) + 1, big.Length);
            Assert.Equal(Digest(big), Convert.ToHexString(big.Sha256));
        }
        Assert.True(items.MoveNext());
        using (MessageBody small = items.Current.Message!.Body) Assert.Equal(Mail.Length, small.Length);
        Assert.False(items.MoveNext());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    private static string Digest(MessageBody body)
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 << 10];
        for (long at = 0; body.Read(buffer, at) is int read and > 0; at += read) hash.AppendData(buffer.AsSpan(0, read));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(bytes);
        return packed.ToArray();
    }

    private static string[] Read(string path) => [.. MailFiles.Open(path).Select(item =>
    {
        using MessageBody body = item.Message!.Body;
        return Encoding.Latin1.GetString(body.Head.Span);
    })];
}
