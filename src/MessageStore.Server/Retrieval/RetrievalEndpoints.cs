using System.Buffers;
using System.IO.Pipelines;
using MessageStore.Replication;
using MessageStore.Server.Nodes;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace MessageStore.Server.Retrieval;

/// <summary>
/// The requests of the retrieval server. Every byte that leaves was compared with the SHA-256 before; what fails later, because a disk dies while a large message is on its way, cuts the connection
/// off before the promised length, so that the client sees it.
/// </summary>
internal sealed class RetrievalEndpoints(EmbeddedMessageStore store, NodeKey key, MessageCache cache)
{
    private const int CopyBlockSize = 64 << 10;
    private const string MessageType = "message/rfc822";
    private const string RecordType = "application/mbox";
    private const string MessagesPath = "/messages/";
    private const string KeysPath = "/keys";
    private const string HealthPath = "/health";

    /// <summary>
    /// Answers every request. The paths are told apart here and not by routes: a message that is kept in memory is given out in a few microseconds, of which they took a tenth.
    /// </summary>
    public Task AnswerAsync(HttpContext context)
    {
        // Before anything else is looked at: a stranger learns nothing and costs no more than a header.
        if (!key.IsShownBy(context.Request.Headers.Authorization))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            context.Response.Headers.Connection = "close";
            return Refuse(context, StatusCodes.Status401Unauthorized);
        }
        string path = context.Request.Path.Value ?? "";
        bool isHead = HttpMethods.IsHead(context.Request.Method), reads = isHead || HttpMethods.IsGet(context.Request.Method);
        if (path.StartsWith(MessagesPath, StringComparison.OrdinalIgnoreCase))
        {
            ReadOnlySpan<char> name = path.AsSpan(MessagesPath.Length);
            bool wantsKeys = name.EndsWith(KeysPath, StringComparison.OrdinalIgnoreCase);
            if (!Guid.TryParse(wantsKeys ? name[..^KeysPath.Length] : name, out Guid id)) return Refuse(context, StatusCodes.Status404NotFound);
            if (!wantsKeys) return reads ? GetAsync(context, id, isHead) : RefuseMethod(context, "GET, HEAD");
            return reads && !isHead ? KeysAsync(context, id) : RefuseMethod(context, "GET");
        }
        if (!path.Equals(HealthPath, StringComparison.OrdinalIgnoreCase)) return Refuse(context, StatusCodes.Status404NotFound);
        return reads && !isHead ? HealthAsync(context) : RefuseMethod(context, "GET");
    }

    private static Task Refuse(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static Task RefuseMethod(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return Refuse(context, StatusCodes.Status405MethodNotAllowed);
    }

    private async Task GetAsync(HttpContext context, Guid id, bool isHead)
    {
        try
        {
            RetrievableMessage message = store.Look(id);
            Representation wanted = message.RecordLength > 0 && TakesRecord(context.Request.Headers) ? Representation.Record : Representation.Message;
            KeptMessage? kept = cache.Find(id, wanted, message.Sha256);
            string tag = kept?.Tag ?? TagOf(message, wanted);
            Describe(context.Response.Headers, tag, wanted);
            if (Matches(context.Request.Headers.IfNoneMatch, tag))
            {
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
            long length = wanted == Representation.Record ? message.RecordLength : message.Length;
            if (!TryRange(context, tag, length, out long from, out long end)) return;
            context.Response.ContentType = wanted == Representation.Record ? RecordType : MessageType;
            context.Response.ContentLength = end - from;
            if (isHead) return;
            if (kept is not null) await WriteAsync(context, kept.Content.AsMemory((int)from, (int)(end - from))).ConfigureAwait(false);
            else await SendAsync(context, id, message, wanted, tag, from, end).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            await RefuseAsync(context, error).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(HttpContext context, Guid id, RetrievableMessage message, Representation wanted, string tag, long from, long end)
    {
        await using Stream? content = wanted == Representation.Record
            ? await store.OpenRecordAsync(id, context.RequestAborted).ConfigureAwait(false)
            : await store.OpenReadAsync(id, context.RequestAborted).ConfigureAwait(false);

        // Recalled, or moved to a record of another length, since we looked: what the headers say is not true any more.
        if (content is null || content.Length != (wanted == Representation.Record ? message.RecordLength : message.Length))
            throw new MessageStoreException(ErrorIds.MessageNotFound, ErrorKind.Busy, $"Message {id} is being moved; ask again.", id);
        if (content.Length > MessageCache.LargestMessage)
        {
            await CopyAsync(content, from, end, context).ConfigureAwait(false);
            return;
        }
        byte[] bytes = new byte[content.Length];
        await content.ReadExactlyAsync(bytes, context.RequestAborted).ConfigureAwait(false);
        cache.Add(id, wanted, new KeptMessage(message.Sha256, tag, bytes));
        await WriteAsync(context, bytes.AsMemory((int)from, (int)(end - from))).ConfigureAwait(false);
    }

    /// <summary>Sends what is in memory, some at a time: a client who does not take it has no more than that waiting here.</summary>
    private static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> content)
    {
        while (!content.IsEmpty)
        {
            int count = Math.Min(content.Length, CopyBlockSize);
            // The token of a request is made when it is first asked for; a connection that is cut ends a write without it.
            FlushResult sent = await context.Response.BodyWriter.WriteAsync(content[..count], CancellationToken.None).ConfigureAwait(false);
            if (sent.IsCompleted) return;
            content = content[count..];
        }
    }

    private static async Task CopyAsync(Stream content, long from, long end, HttpContext context)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent(CopyBlockSize);
        try
        {
            for (long at = 0; at < end;)
            {
                int count = await content.ReadAsync(block, context.RequestAborted).ConfigureAwait(false);
                if (count == 0) throw new IOException($"A message of {content.Length} bytes ended at {at} while it was read.");
                int skip = (int)Math.Clamp(from - at, 0, count), take = (int)Math.Min(count, end - at);
                if (take > skip) await context.Response.Body.WriteAsync(block.AsMemory(skip, take - skip), context.RequestAborted).ConfigureAwait(false);
                at += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private async Task KeysAsync(HttpContext context, Guid id)
    {
        try
        {
            var keys = new List<ArchiveKey>();
            await foreach (ArchiveKey one in store.ListKeysAsync(id, cancellationToken: context.RequestAborted).ConfigureAwait(false)) keys.Add(one);
            await Results.Json(keys, HttpStorageNode.Json).ExecuteAsync(context).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            await RefuseAsync(context, error).ConfigureAwait(false);
        }
    }

    private async Task HealthAsync(HttpContext context)
    {
        DatabaseStatus status = await store.GetStatusAsync(context.RequestAborted).ConfigureAwait(false);
        bool serves = status.State != StorageState.Failed;
        IResult answer = Results.Json(
            new { serves, state = status.State, underReplicated = status.UnderReplicatedCount, copiesTested = status.CopiesTested, repairsWaiting = store.WaitingRepairs, cachedBytes = cache.Bytes },
            HttpStorageNode.Json, statusCode: serves ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        await answer.ExecuteAsync(context).ConfigureAwait(false);
    }

    /// <summary>Whether the client takes the archive record: it must name gzip, and not ask for the message itself alone.</summary>
    private static bool TakesRecord(IHeaderDictionary headers)
    {
        if (headers.AcceptEncoding.Count == 0 || !StringWithQualityHeaderValue.TryParseList(headers.AcceptEncoding, out IList<StringWithQualityHeaderValue>? codings)
            || !codings.Any(c => c.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && c.Quality is not 0)) return false;
        return headers.Accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(headers.Accept, out IList<MediaTypeHeaderValue>? types)
            || types.Any(t => t.Quality is not 0 && (t.MatchesAllTypes || t.MediaType.Equals(RecordType, StringComparison.OrdinalIgnoreCase) || t.MediaType.Equals("application/*", StringComparison.OrdinalIgnoreCase)));
    }

    /// <returns>The entity tag: the message's SHA-256, marked where it is the record's.</returns>
    private static string TagOf(RetrievableMessage message, Representation wanted) =>
        wanted == Representation.Record ? $"\"{message.Sha256};record\"" : $"\"{message.Sha256}\"";

    /// <summary>Sets what both a whole answer and 304 say.</summary>
    private static void Describe(IHeaderDictionary headers, string tag, Representation wanted)
    {
        headers.ETag = tag;
        headers.Vary = "Accept, Accept-Encoding";
        headers.AcceptRanges = "bytes";
        headers.CacheControl = "private, no-cache"; // bytes never change, whether they may be read does
        headers.XContentTypeOptions = "nosniff";
        if (wanted == Representation.Record) headers.ContentEncoding = "gzip";
    }

    private static bool Matches(StringValues tags, string tag) =>
        tags.Count > 0 && EntityTagHeaderValue.TryParseList(tags, out IList<EntityTagHeaderValue>? listed) && listed.Any(t => t.Tag == "*" || t.Tag == tag);

    /// <summary>Finds the stretch that is asked for: all of it, unless one range is named that makes sense (RFC 9110, section 14).</summary>
    /// <returns>False where the answer is made already: 416.</returns>
    private static bool TryRange(HttpContext context, string tag, long length, out long from, out long end)
    {
        (from, end) = (0, length);
        IHeaderDictionary headers = context.Request.Headers;
        bool isCurrent = headers.IfRange.Count == 0 || headers.IfRange == tag;
        if (!isCurrent || headers.Range.Count == 0 || !RangeHeaderValue.TryParse(headers.Range.ToString(), out RangeHeaderValue? range) || range.Unit != "bytes" || range.Ranges.Count != 1) return true;
        RangeItemHeaderValue wanted = range.Ranges.First();
        if (wanted.From is { } first) (from, end) = (first, Math.Min(length, wanted.To is { } last ? last + 1 : length));
        else from = Math.Max(0, length - wanted.To!.Value);
        if (from >= end)
        {
            context.Response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            context.Response.Headers.ContentRange = $"bytes */{length}";
            return false;
        }
        context.Response.StatusCode = StatusCodes.Status206PartialContent;
        context.Response.Headers.ContentRange = $"bytes {from}-{end - 1}/{length}";
        return true;
    }

    private static async Task RefuseAsync(HttpContext context, MessageStoreException error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        context.Response.Clear();
        context.Response.StatusCode = (error.ErrorId, error.Kind) switch
        {
            (ErrorIds.MessageExpired, _) => StatusCodes.Status410Gone,
            (_, ErrorKind.NotFound) => StatusCodes.Status404NotFound,
            (_, ErrorKind.Denied) => StatusCodes.Status403Forbidden,
            (_, ErrorKind.Busy or ErrorKind.Device) => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        };
        context.Response.Headers[HttpStorageNode.ErrorHeader] = error.ErrorId;
        context.Response.ContentType = "text/plain; charset=utf-8";
        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.WriteAsync(error.Message, context.RequestAborted).ConfigureAwait(false);
    }
}
