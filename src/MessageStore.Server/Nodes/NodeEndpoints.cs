using System.Buffers;
using System.Globalization;
using MessageStore.IO;
using MessageStore.Replication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace MessageStore.Server.Nodes;

/// <summary>The requests of a storage node. Protocol: docs/replication.md.</summary>
internal sealed class NodeEndpoints(StorageNode node, NodeKey? key, ByteBudget memory)
{
    private const int CopyBlockSize = 256 << 10;

    public void Map(WebApplication host)
    {
        host.Use(AuthenticateAsync);
        host.MapPost("/records", AppendAsync);
        host.MapGet("/units", async () => Results.Json(await node.GetStatusAsync(), HttpStorageNode.Json));
        host.MapGet("/units/{unit}/volumes", (string unit) => AnswerAsync(() => node.ListVolumesAsync(unit)));
        host.MapGet("/units/{unit}/volumes/{day}/{file}", ReadAsync);
        host.MapGet("/units/{unit}/records/{day}/{file}", (string unit, string day, string file) => AnswerAsync(() => node.ListRecordsAsync(unit, $"{day}/{file}")));
        host.MapPost("/units/{unit}/erase", (string unit, Guid? database, HttpContext context) => AnswerAsync(async () =>
            await node.EraseAsync(unit, database ?? Guid.Empty, await BodyAsync<ErasedRecord[]>(context).ConfigureAwait(false)).ConfigureAwait(false)));
        host.MapPost("/units/{unit}/expire", (string unit, string now, Guid? database, HttpContext context) => AnswerAsync(async () =>
            await node.ExpireAsync(unit, database ?? Guid.Empty, Date(now), (await BodyAsync<Guid[]>(context).ConfigureAwait(false)).ToHashSet()).ConfigureAwait(false)));
        host.MapGet("/health", HealthAsync);
    }

    /// <summary>Before anything else is looked at: a stranger learns nothing and costs no more than a header.</summary>
    private async Task AuthenticateAsync(HttpContext context, RequestDelegate next)
    {
        if (key is null || key.IsShownBy(context.Request.Headers.Authorization)) // without a key TLS has seen a certificate
        {
            await next(context).ConfigureAwait(false);
            return;
        }
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.WWWAuthenticate = "Bearer";
        context.Response.Headers.Connection = "close";
    }

    private async Task AppendAsync(HttpContext context)
    {
        if (context.Request.ContentLength is not { } length)
        {
            context.Response.StatusCode = StatusCodes.Status411LengthRequired;
            return;
        }
        if (length > AppendCodec.RequestLimit)
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = AppendCodec.RequestLimit;
        using IDisposable share = await memory.TakeAsync(length, context.RequestAborted).ConfigureAwait(false);
        byte[] bytes = ArrayPool<byte>.Shared.Rent((int)length);
        bool isForwarded = true;
        try
        {
            await context.Request.Body.ReadExactlyAsync(bytes.AsMemory(0, (int)length), context.RequestAborted).ConfigureAwait(false);
            AppendRequest request = AppendCodec.DecodeRequest(bytes.AsMemory(0, (int)length));
            isForwarded = request.Hops.Count > 1;
            byte[] answer = AppendCodec.EncodeAnswer(await node.AppendAsync(request, CancellationToken.None).ConfigureAwait(false));
            context.Response.ContentType = AppendCodec.ContentType;
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer, context.RequestAborted).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            await RefuseAsync(context, error).ConfigureAwait(false);
        }
        finally
        {
            // A forward that timed out may still read from it: then it goes to the garbage collector.
            if (!isForwarded) ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async Task ReadAsync(string unit, string day, string file, HttpContext context)
    {
        try
        {
            using IStorageFile volume = node.OpenVolume(unit, $"{day}/{file}");
            long length = volume.Length, from = 0, to = length - 1;
            if (context.Request.GetTypedHeaders().Range is { Unit.Value: "bytes", Ranges.Count: 1 } range && range.Ranges.First() is var wanted)
            {
                from = wanted.From ?? Math.Max(0, length - wanted.To!.Value);
                to = wanted.From is null ? length - 1 : Math.Min(wanted.To ?? long.MaxValue, length - 1);
                if (from > to)
                {
                    context.Response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
                    return;
                }
                context.Response.StatusCode = StatusCodes.Status206PartialContent;
                context.Response.GetTypedHeaders().ContentRange = new ContentRangeHeaderValue(from, to, length);
            }
            context.Response.ContentType = "application/gzip";
            context.Response.ContentLength = to - from + 1;
            await CopyAsync(volume, from, to + 1, context).ConfigureAwait(false);
        }
        catch (MessageStoreException error)
        {
            await RefuseAsync(context, error).ConfigureAwait(false);
        }
    }

    private static async Task CopyAsync(IStorageFile volume, long from, long end, HttpContext context)
    {
        byte[] block = ArrayPool<byte>.Shared.Rent((int)Math.Min(CopyBlockSize, end - from));
        try
        {
            while (from < end)
            {
                int count = volume.ReadFully(block.AsSpan(0, (int)Math.Min(block.Length, end - from)), from);
                if (count == 0) throw new IOException($"{volume.Path} ended at {from} while it was read.");
                await context.Response.Body.WriteAsync(block.AsMemory(0, count), context.RequestAborted).ConfigureAwait(false);
                from += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private async Task<IResult> HealthAsync()
    {
        IReadOnlyList<StorageUnitStatus> units = await node.GetStatusAsync().ConfigureAwait(false);
        bool serves = units.Any(u => u.Availability == UnitAvailability.Available);
        return Results.Json(new { node = node.Name, serves, units }, HttpStorageNode.Json, statusCode: serves ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<IResult> AnswerAsync<T>(Func<ValueTask<T>> ask)
    {
        try
        {
            return Results.Json(await ask().ConfigureAwait(false), HttpStorageNode.Json);
        }
        catch (MessageStoreException error)
        {
            return new Refusal(error);
        }
    }

    private static async Task<T> BodyAsync<T>(HttpContext context) =>
        await context.Request.ReadFromJsonAsync<T>(HttpStorageNode.Json, context.RequestAborted).ConfigureAwait(false) ?? throw new BadHttpRequestException("The body is empty.");

    private static DateTimeOffset Date(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? date : throw new BadHttpRequestException("The date makes no sense.");

    private static async Task RefuseAsync(HttpContext context, MessageStoreException error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        context.Response.Clear();
        context.Response.StatusCode = error.Kind switch
        {
            ErrorKind.NotFound => StatusCodes.Status404NotFound,
            ErrorKind.Damaged or ErrorKind.InvalidArgument => StatusCodes.Status400BadRequest,
            ErrorKind.Busy => StatusCodes.Status503ServiceUnavailable,
            ErrorKind.Denied => StatusCodes.Status409Conflict, // 403 would say that the key is wrong
            _ => StatusCodes.Status500InternalServerError,
        };
        context.Response.Headers[HttpStorageNode.ErrorHeader] = error.ErrorId;
        await context.Response.WriteAsync(error.Message, context.RequestAborted).ConfigureAwait(false);
    }

    private sealed class Refusal(MessageStoreException error) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext) => RefuseAsync(httpContext, error);
    }
}
