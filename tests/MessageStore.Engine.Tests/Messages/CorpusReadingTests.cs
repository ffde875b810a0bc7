using System.IO.Compression;
using MessageStore.Messages;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Messages;

public class CorpusReadingTests
{
    [CorpusFact]
    public void Every_message_of_the_corpus_comes_out_byte_for_byte()
    {
        AssertIsCorpus(MailFiles.Open(Corpus.MboxPath));
    }

    [CorpusFact]
    public void The_corpus_unpacked_or_in_many_gzip_members_is_the_same()
    {
        using var folder = new TemporaryFolder();
        using var unpacked = new MemoryStream();
        using (var gzip = new GZipStream(File.OpenRead(Corpus.MboxPath), CompressionMode.Decompress)) gzip.CopyTo(unpacked);
        byte[] bytes = unpacked.ToArray();
        AssertIsCorpus(MailFiles.Open(folder.Write("ham", bytes)));

        using (FileStream packed = File.Create(folder["members"]))
        {
            var random = new Random(1);
            for (int at = 0; at < bytes.Length;)
            {
                int length = Math.Min(random.Next(0, 9000), bytes.Length - at);
                using (var member = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) member.Write(bytes, at, length);
                at += length;
            }
        }
        AssertIsCorpus(MailFiles.Open(folder["members"]));
    }

    private static void AssertIsCorpus(IEnumerable<SourceItem> items)
    {
        IReadOnlyList<(string Sha256, long Length)> digests = Corpus.Digests();
        Assert.Equal(Corpus.Count, digests.Count);
        int number = 0;
        foreach (SourceItem item in items)
        {
            Assert.True(item.IsMessage, item.Error?.Message);
            using MessageBody body = item.Message.Body;
            (string sha256, long length) = digests[number++];
            Assert.Equal((sha256, length), (Convert.ToHexStringLower(body.Sha256), body.Length));
            Assert.NotNull(item.Message.ReceivedDate);
        }
        Assert.Equal(Corpus.Count, number);
    }
}
