using MessageStore.Messages;

namespace MessageStore.Tests.Messages;

public class SampleMailTests
{
    [Fact]
    public void The_samples_are_sixty_varied_messages()
    {
        var digests = new HashSet<string>();
        long bytes = 0;
        bool hasUnicode = false;
        foreach (SourceMessage message in SampleMail.Open())
        {
            using MessageBody body = message.Body;
            Assert.True(digests.Add(Convert.ToHexString(body.Sha256)));
            bytes += body.Length;
            MessageSummary summary = HeaderReader.Instance.Read(body.Head.Span);
            Assert.NotEmpty(summary.From);
            Assert.NotNull(summary.Date);
            Assert.False(summary.IsPartial);
            hasUnicode |= summary.Subject.Any(c => c > 0x7F) && summary.Subject.All(c => c != '\uFFFD');
        }
        Assert.Equal(SampleMail.Count, digests.Count);
        Assert.InRange(bytes, 100_000, 400_000);
        Assert.True(hasUnicode);
    }
}
