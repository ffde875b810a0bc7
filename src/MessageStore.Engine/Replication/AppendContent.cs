using System.Net;

namespace MessageStore.Replication;

/// <summary>The body of an append request, sent from where its records lie.</summary>
internal sealed class AppendContent : HttpContent
{
    private readonly AppendRequest request;
    private readonly byte[] head;

    public AppendContent(AppendRequest request)
    {
        this.request = request;
        head = AppendCodec.EncodeHead(request);
        Headers.ContentType = new(AppendCodec.ContentType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(head, cancellationToken).ConfigureAwait(false);
        byte[] recordHead = new byte[8];
        foreach (SentRecord record in request.Records)
        {
            AppendCodec.WriteRecordHead(recordHead, record);
            await stream.WriteAsync(recordHead, cancellationToken).ConfigureAwait(false);
            await stream.WriteAsync(record.Bytes, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = AppendCodec.LengthOf(head, request);
        return true;
    }
}
