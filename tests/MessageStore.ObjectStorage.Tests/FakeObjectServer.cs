using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Web;
using System.Xml.Linq;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>What happens to a request.</summary>
public enum ObjectFault
{
    /// <summary>It is served.</summary>
    None,
    /// <summary>The connection breaks before the server sees it.</summary>
    NotSent,
    /// <summary>The server answers 500 and does nothing.</summary>
    Refused,
    /// <summary>The server does it, and the connection breaks before the answer arrives.</summary>
    AnswerLost,
    /// <summary>The answer breaks off in the middle of its body.</summary>
    AnswerCut,
    /// <summary>The answer's body has a byte changed.</summary>
    AnswerAltered,
    /// <summary>The server answers 403.</summary>
    Denied,
    /// <summary>No answer comes.</summary>
    Silent,
}

/// <summary>
/// An S3 server in memory that faults befall: objects, conditional creation, ranges, uploads in parts, listing by pages of two. What it says it has stored is there for
/// the next request (read after write, as the service promises since 2020).
/// </summary>
internal sealed class FakeObjectServer : HttpMessageHandler
{
    private const int PageSize = 2;

    private readonly Lock gate = new();
    private readonly Dictionary<string, (string Name, SortedDictionary<int, byte[]> Parts)> uploads = [];
    private int uploadNumber;

    public SortedDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>What was asked, as <c>METHOD path?query</c>.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>All that was in headers, for whoever looks for secrets.</summary>
    public List<string> Headers { get; } = [];

    public int OpenUploads => uploads.Count;

    /// <summary>Which fault befalls a request, by its number from 0 on.</summary>
    public Func<int, HttpRequestMessage, ObjectFault> Fault { get; set; } = (_, _) => ObjectFault.None;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        ObjectFault fault;
        lock (gate)
        {
            fault = Fault(Requests.Count, request);
            Requests.Add($"{request.Method} {request.RequestUri!.PathAndQuery}");
            Headers.Add(request.Headers.ToString());
        }
        if (fault == ObjectFault.Silent) await Task.Delay(Timeout.Infinite, cancellationToken);
        lock (gate)
        {
            if (fault == ObjectFault.NotSent) throw new HttpRequestException("The connection broke.");
            if (fault == ObjectFault.Refused) return Error(HttpStatusCode.InternalServerError, "InternalError");
            if (fault == ObjectFault.Denied) return Error(HttpStatusCode.Forbidden, "AccessDenied");
            HttpResponseMessage response = Serve(request, body);
            if (fault == ObjectFault.AnswerLost) throw new HttpRequestException("The connection broke.");
            byte[] answer = response.Content.ReadAsByteArrayAsync(CancellationToken.None).GetAwaiter().GetResult();
            if (fault == ObjectFault.AnswerAltered && answer.Length > 0) answer[answer.Length / 2] ^= 1;
            if (fault == ObjectFault.AnswerCut) response.Content = With(new StreamContent(new BreakingStream(answer[..(answer.Length / 2)])), answer.Length);
            else if (fault == ObjectFault.AnswerAltered) response.Content = With(new ByteArrayContent(answer), answer.Length);
            return response;
        }
    }

    private static HttpContent With(HttpContent content, long length)
    {
        content.Headers.ContentLength = length;
        return content;
    }

    private HttpResponseMessage Serve(HttpRequestMessage request, byte[] body)
    {
        System.Collections.Specialized.NameValueCollection query = HttpUtility.ParseQueryString(request.RequestUri!.Query);
        string path = Uri.UnescapeDataString(request.RequestUri.AbsolutePath).TrimStart('/');
        int slash = path.IndexOf('/');
        string name = slash < 0 ? "" : path[(slash + 1)..];
        bool ifNew = request.Headers.TryGetValues("If-None-Match", out IEnumerable<string>? condition) && condition.Contains("*");
        if (request.Headers.TryGetValues("x-amz-content-sha256", out IEnumerable<string>? digests) && digests.First() is { Length: 64 } digest && digest != Convert.ToHexStringLower(SHA256.HashData(body)))
            return Error(HttpStatusCode.BadRequest, "XAmzContentSHA256Mismatch");
        string? upload = query["uploadId"];
        if (upload is not null && !uploads.ContainsKey(upload)) return Error(HttpStatusCode.NotFound, "NoSuchUpload");
        switch (request.Method.Method)
        {
            case "GET" when name.Length == 0 && query.GetValues(null)?.Contains("uploads") == true:
                return Xml(new XElement("ListMultipartUploadsResult", new XElement("IsTruncated", false),
                    uploads.Where(u => u.Value.Name.StartsWith(query["prefix"]!, StringComparison.Ordinal))
                        .Select(u => new XElement("Upload", new XElement("Key", u.Value.Name), new XElement("UploadId", u.Key)))));
            case "GET" when name.Length == 0:
                return List(query["prefix"] ?? "", query["continuation-token"]);
            case "GET":
                return Get(name, request);
            case "PUT" when upload is not null:
                uploads[upload].Parts[int.Parse(query["partNumber"]!, System.Globalization.CultureInfo.InvariantCulture)] = body;
                return Tagged(body);
            case "PUT":
                if (ifNew && Objects.ContainsKey(name)) return Error(HttpStatusCode.PreconditionFailed, "PreconditionFailed");
                Objects[name] = body;
                return Tagged(body);
            case "POST" when upload is not null:
                if (ifNew && Objects.ContainsKey(name)) return Error(HttpStatusCode.PreconditionFailed, "PreconditionFailed");
                Objects[name] = [.. uploads[upload].Parts.Values.SelectMany(p => p)];
                uploads.Remove(upload);
                return Xml(new XElement("CompleteMultipartUploadResult", new XElement("Key", name), new XElement("ETag", "\"x\"")));
            case "POST":
                string id = $"upload{++uploadNumber}";
                uploads[id] = (name, []);
                return Xml(new XElement("InitiateMultipartUploadResult", new XElement("Key", name), new XElement("UploadId", id)));
            case "DELETE" when upload is not null:
                uploads.Remove(upload);
                return new HttpResponseMessage(HttpStatusCode.NoContent) { Content = new ByteArrayContent([]) };
            case "DELETE":
                Objects.Remove(name);
                return new HttpResponseMessage(HttpStatusCode.NoContent) { Content = new ByteArrayContent([]) };
            default:
                return Error(HttpStatusCode.NotImplemented, "NotImplemented");
        }
    }

    private HttpResponseMessage Get(string name, HttpRequestMessage request)
    {
        if (!Objects.TryGetValue(name, out byte[]? bytes)) return Error(HttpStatusCode.NotFound, "NoSuchKey");
        if (request.Headers.Range?.Ranges.Single() is not { } range) return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(bytes) };
        if (range.From >= bytes.Length) return Error(HttpStatusCode.RequestedRangeNotSatisfiable, "InvalidRange");
        int end = (int)Math.Min(range.To + 1 ?? bytes.Length, bytes.Length);
        return new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = new ByteArrayContent(bytes[(int)range.From!.Value..end]) };
    }

    private HttpResponseMessage List(string prefix, string? after)
    {
        List<string> names = [.. Objects.Keys.Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && (after is null || string.CompareOrdinal(n, after) > 0))];
        List<string> page = [.. names.Take(PageSize)];
        return Xml(new XElement("ListBucketResult",
            new XElement("IsTruncated", names.Count > page.Count),
            names.Count > page.Count ? new XElement("NextContinuationToken", page[^1]) : null,
            page.Select(n => new XElement("Contents", new XElement("Key", n), new XElement("Size", Objects[n].Length)))));
    }

    private static HttpResponseMessage Tagged(byte[] body)
    {
        HttpResponseMessage response = new(HttpStatusCode.OK) { Content = new ByteArrayContent([]) };
        response.Headers.TryAddWithoutValidation("ETag", $"\"{Convert.ToHexStringLower(SHA256.HashData(body))[..32]}\"");
        return response;
    }

    private static HttpResponseMessage Xml(XElement element) => new(HttpStatusCode.OK)
    {
        Content = new StringContent("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + element, Encoding.UTF8, "application/xml"),
    };

    private static HttpResponseMessage Error(HttpStatusCode status, string code) => new(status)
    {
        Content = new StringContent($"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{code}, said the test.</Message></Error>", Encoding.UTF8, "application/xml"),
    };

    /// <summary>Gives what it has, and then breaks.</summary>
    private sealed class BreakingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => Check(base.Read(buffer, offset, count));

        public override int Read(Span<byte> buffer) => Check(base.Read(buffer));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer, offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        private static int Check(int read) => read > 0 ? read : throw new HttpIOException(HttpRequestError.ResponseEnded, "The answer broke off.");
    }
}
