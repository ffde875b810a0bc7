using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MessageStore.Replication;

/// <summary>A storage node at the other end of HTTP. Protocol: docs/replication.md.</summary>
/// <param name="http">A client that knows the shared key and the limits; the connector's.</param>
/// <param name="url">The node's connection path.</param>
/// <param name="timeout">How long one request may take.</param>
/// <param name="time">Counts it.</param>
internal sealed class HttpStorageNode(HttpClient http, Uri url, TimeSpan timeout, TimeProvider time) : IStorageNode
{
    /// <summary>Header of an error answer that carries its ErrorId; the body is the message.</summary>
    public const string ErrorHeader = "MessageStore-Error";

    private const int AnswerLimit = 16 << 20;
    private const int ErrorTextLimit = 4096;

    /// <summary>How requests and answers in JSON look.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public async ValueTask<IReadOnlyList<HopAnswer>> AppendAsync(AppendRequest request, CancellationToken cancellationToken = default)
    {
        // A chain takes as long as its slowest hops one after the other.
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(url, "records")) { Content = new AppendContent(request) };
        byte[] answer = await SendAsync(message, timeout * request.Hops.Count, AnswerLimit, cancellationToken).ConfigureAwait(false);
        try
        {
            return AppendCodec.DecodeAnswer(answer, request);
        }
        catch (InvalidDataException error)
        {
            throw Unavailable($"its answer makes no sense: {error.Message}.", error);
        }
    }

    public async ValueTask<byte[]> ReadAsync(string unit, string volume, long offset, int length, CancellationToken cancellationToken = default)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, UnitPath(unit, $"volumes/{volume}"));
        message.Headers.Range = new RangeHeaderValue(offset, offset + length - 1);
        return await SendAsync(message, timeout, length, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<StorageUnitStatus>> GetStatusAsync(CancellationToken cancellationToken = default) =>
        await GetAsync<StorageUnitStatus[]>(new Uri(url, "units"), cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<string>> ListVolumesAsync(string unit, CancellationToken cancellationToken = default) =>
        await GetAsync<string[]>(UnitPath(unit, "volumes"), cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<ListedRecord>> ListRecordsAsync(string unit, string volume, CancellationToken cancellationToken = default) =>
        await GetAsync<ListedRecord[]>(UnitPath(unit, $"records/{volume}"), cancellationToken).ConfigureAwait(false);

    public async ValueTask<long> EraseAsync(string unit, Guid database, IReadOnlyCollection<ErasedRecord> records, CancellationToken cancellationToken = default) =>
        await PostAsync(UnitPath(unit, $"erase?database={database}"), records, cancellationToken).ConfigureAwait(false);

    public async ValueTask<long> ExpireAsync(string unit, Guid database, DateTimeOffset now, IReadOnlySet<Guid> held, CancellationToken cancellationToken = default)
    {
        string at = Uri.EscapeDataString(now.ToString("O", CultureInfo.InvariantCulture));
        return await PostAsync(UnitPath(unit, $"expire?now={at}&database={database}"), held, cancellationToken).ConfigureAwait(false);
    }

    private Uri UnitPath(string unit, string rest) => new(url, $"units/{Uri.EscapeDataString(unit[(unit.IndexOf('/') + 1)..])}/{rest}");

    private async Task<T> GetAsync<T>(Uri path, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, path);
        return Parse<T>(await SendAsync(message, timeout, int.MaxValue, cancellationToken).ConfigureAwait(false));
    }

    private async Task<long> PostAsync<T>(Uri path, IEnumerable<T> items, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(items, options: Json) };
        return Parse<long>(await SendAsync(message, timeout, AnswerLimit, cancellationToken).ConfigureAwait(false));
    }

    private T Parse<T>(byte[] answer)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(answer, Json) ?? throw new JsonException("It is empty.");
        }
        catch (JsonException error)
        {
            throw Unavailable($"its answer makes no sense: {error.Message}", error);
        }
    }

    private async Task<byte[]> SendAsync(HttpRequestMessage message, TimeSpan limit, long answerLimit, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            using HttpResponseMessage response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, either.Token).ConfigureAwait(false);
            await using Stream body = await response.Content.ReadAsStreamAsync(either.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return []; // the volume ends before: it has no byte of what was asked for
            if (!response.IsSuccessStatusCode) throw await RefusalAsync(response, body, either.Token).ConfigureAwait(false);
            if (response.Content.Headers.ContentLength is not { } length) return await ReadUnknownAsync(body, answerLimit, either.Token).ConfigureAwait(false);
            if (length > answerLimit) throw Unavailable($"it answers with {length} bytes where at most {answerLimit} were expected.", null);
            var answer = new byte[length];
            await body.ReadExactlyAsync(answer, either.Token).ConfigureAwait(false);
            return answer;
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable($"it did not answer within {limit.TotalSeconds:0.#} s.", error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw Unavailable(error.InnerException?.Message ?? error.Message, error);
        }
    }

    private async Task<byte[]> ReadUnknownAsync(Stream body, long limit, CancellationToken cancellationToken)
    {
        var gathered = new MemoryStream();
        byte[] block = new byte[64 << 10];
        int read;
        while ((read = await body.ReadAsync(block, cancellationToken).ConfigureAwait(false)) > 0)
        {
            if (gathered.Length + read > limit) throw Unavailable($"it answers with more than the {limit} bytes that were expected.", null);
            gathered.Write(block, 0, read);
        }
        return gathered.ToArray();
    }

    private async Task<MessageStoreException> RefusalAsync(HttpResponseMessage response, Stream body, CancellationToken cancellationToken)
    {
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            return new MessageStoreException(ErrorIds.NodeRefused, ErrorKind.Denied, $"The storage node {url} does not accept the shared key.", url.ToString());
        byte[] text = new byte[ErrorTextLimit];
        int count = await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        string detail = System.Text.Encoding.UTF8.GetString(text, 0, count);
        if (!response.Headers.TryGetValues(ErrorHeader, out IEnumerable<string>? ids)) return Unavailable($"it answers {(int)response.StatusCode} {response.ReasonPhrase}.", null);
        return new MessageStoreException(ids.First(), response.StatusCode == HttpStatusCode.NotFound ? ErrorKind.NotFound : ErrorKind.Device, detail, url.ToString());
    }

    private MessageStoreException Unavailable(string detail, Exception? inner) =>
        new(ErrorIds.NodeUnavailable, ErrorKind.Device, $"The storage node {url} is not available: {detail}", url.ToString(), inner);
}
