using System.Net;
using MessageStore.IO;

namespace MessageStore.Replication;

/// <summary>The body of an append request, sent from where its records lie.</summary>
internal sealed class AppendContent : HttpContent
{
    /// <summary>Bytes that are gathered before they are written to the network: 256 KiB.</summary>
    private const int GatheredBytes = 256 << 10;

    private readonly AppendRequest request;
    private readonly byte[] head;

    public AppendContent(AppendRequest request)
    {
        this.request = request;
        head = AppendCodec.EncodeHead(request);
        Headers.ContentType = new(AppendCodec.ContentType);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <summary>Small records are gathered, so that a request of many costs a few writes to the network and wakes its receiver as often; large ones go from where they lie.</summary>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        using var gathered = new PooledBuffer((int)Math.Min(AppendCodec.LengthOf(head, request), GatheredBytes));
        gathered.Write(head);
        foreach (SentRecord record in request.Records)
        {
            if (gathered.Length > 0 && gathered.Length + AppendCodec.RecordHeadLength + record.Bytes.Length > GatheredBytes) await SendAsync().ConfigureAwait(false);
            AppendCodec.WriteRecordHead(gathered.GetSpan(AppendCodec.RecordHeadLength), record);
            gathered.Advance(AppendCodec.RecordHeadLength);
            if (record.Bytes.Length <= GatheredBytes - AppendCodec.RecordHeadLength)
            {
                gathered.Write(record.Bytes.Span);
                continue;
            }
            await SendAsync().ConfigureAwait(false);
            await stream.WriteAsync(record.Bytes, cancellationToken).ConfigureAwait(false);
        }
        if (gathered.Length > 0) await SendAsync().ConfigureAwait(false);

        async ValueTask SendAsync()
        {
            await stream.WriteAsync(gathered.Memory, cancellationToken).ConfigureAwait(false);
            gathered.Truncate(0);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = AppendCodec.LengthOf(head, request);
        return true;
    }
}
