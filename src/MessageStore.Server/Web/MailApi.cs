using MessageStore.Server.Telemetry;
using Microsoft.Net.Http.Headers;

namespace MessageStore.Server.Web;

/// <summary>What a reader looks at: lists of messages, a message taken apart, what is attached to it, its raw bytes. Nothing here changes anything.</summary>
internal static class MailApi
{
    private const int PageSize = 50;
    private const int LargestPage = 500;
    private const int FarthestPage = 10_000;

    /// <summary>How long a page waits for the index before the messages that it lacks are read one by one.</summary>
    private static readonly TimeSpan SearchWait = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A sender's page runs in a frame without scripts, forms, or an origin, and fetches nothing from anywhere: the list of the sanitizer is the first fence, this the second.
    /// </summary>
    private const string PagePolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";

    private const string PageStyle = "body{font:15px/1.5 system-ui,sans-serif;margin:1rem;overflow-wrap:anywhere;color:#1d2330;background:#fff}img{max-width:100%}blockquote{border-left:3px solid #cdd3dd;margin-left:0;padding-left:1rem}";

    public static void Map(IEndpointRouteBuilder api, IMessageStore store, Operations operations)
    {
        api.MapGet("/messages", async (string? q, string? mailbox, string? folder, string? from, string? subject, DateTimeOffset? after, DateTimeOffset? before, bool? archived, int? skip, int? first, CancellationToken aborted) =>
        {
            using Operations.Operation _ = operations.Begin(Operations.List);
            int over = Math.Clamp(skip ?? 0, 0, FarthestPage), most = Math.Clamp(first ?? PageSize, 1, LargestPage);
            return await (Given(q) is { } words
                ? SearchAsync(store, new MessageSearch
                {
                    Query = words, Mailbox = Given(mailbox), Folder = Given(folder), From = Given(from), Subject = Given(subject), ReceivedAfter = after, ReceivedBefore = before, IsArchived = archived, MaximumWait = SearchWait,
                }, over, most, aborted)
                : NewestAsync(store, new MessageQuery
                {
                    Mailbox = Given(mailbox), Folder = Given(folder), From = Given(from), Subject = Given(subject), ReceivedAfter = after, ReceivedBefore = before, IsArchived = archived,
                }, over, most, aborted)).ConfigureAwait(false);
        }).WithSummary("Messages, newest first: 50 a page, 500 at most. Skip reaches to the 10,000th. With q those that the search finds, by words as Find-StoredMessage takes them.");

        api.MapGet("/messages/{id:guid}", async (Guid id, CancellationToken aborted) =>
        {
            using Operations.Operation _ = operations.Begin(Operations.Read);
            StoredMessage message = await FindAsync(store, id, aborted).ConfigureAwait(false);
            await using Stream body = await store.OpenReadAsync(id, aborted).ConfigureAwait(false);
            MessageContent content = await Task.Run(() => MessageContentReader.Read(body), aborted).ConfigureAwait(false);
            return new MessageView { Message = message, Content = content with { Html = "" }, HasPage = content.Html.Length > 0 };
        }).WithSummary("A message: its summary, header, text and what is attached.");

        api.MapGet("/messages/{id:guid}/page", async (Guid id, HttpContext context) =>
        {
            await using Stream body = await store.OpenReadAsync(id, context.RequestAborted).ConfigureAwait(false);
            MessageContent content = await Task.Run(() => MessageContentReader.Read(body), context.RequestAborted).ConfigureAwait(false);
            context.Response.Headers.ContentSecurityPolicy = PagePolicy;
            return Results.Text($"<!doctype html><html><head><meta charset=\"utf-8\"><title></title><style>{PageStyle}</style></head><body>{content.Html}</body></html>", "text/html; charset=utf-8");
        }).WithSummary("The sender's page, made harmless, for a frame.");

        api.MapGet("/messages/{id:guid}/raw", async (Guid id, HttpContext context) =>
            Download(context, await store.OpenReadAsync(id, context.RequestAborted).ConfigureAwait(false), $"{id}.eml")).WithSummary("The raw bytes as they came.");

        api.MapGet("/messages/{id:guid}/parts/{number:int}", async (Guid id, int number, HttpContext context) =>
        {
            Stream body = await store.OpenReadAsync(id, context.RequestAborted).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                MessageContent content = await Task.Run(() => MessageContentReader.Read(body), context.RequestAborted).ConfigureAwait(false);
                if (content.Attachments.FirstOrDefault(a => a.Number == number) is not { } attachment) return Results.NotFound();
                Stream again = await store.OpenReadAsync(id, context.RequestAborted).ConfigureAwait(false);
                return MessageContentReader.OpenPart(again, number) is { } part ? Download(context, part, FileNameOf(attachment)) : Results.NotFound();
            }
        }).WithSummary("Something attached to a message, for saving.");
    }

    /// <summary>The search comes newest first, and is left as soon as the page is full.</summary>
    private static async Task<MessagePage> SearchAsync(IMessageStore store, MessageSearch search, int skip, int first, CancellationToken cancellationToken)
    {
        var notices = new Notices();
        var page = new List<StoredMessage>();
        long count = 0;
        await foreach (StoredMessage message in store.FindAsync(search, notices, cancellationToken).ConfigureAwait(false))
        {
            if (++count > skip + first) break;
            if (count > skip) page.Add(message);
        }
        return new MessagePage { Count = count, GoesOn = count > skip + first, Messages = page, Notices = notices.Texts };
    }

    /// <summary>The list comes oldest first; no more than what the page needs is kept while it passes.</summary>
    private static async Task<MessagePage> NewestAsync(IMessageStore store, MessageQuery query, int skip, int first, CancellationToken cancellationToken)
    {
        int most = skip + first;
        var newest = new PriorityQueue<StoredMessage, DateTimeOffset>();
        long count = 0;
        await foreach (StoredMessage message in store.ListAsync(query, cancellationToken).ConfigureAwait(false))
        {
            count++;
            if (newest.Count < most) newest.Enqueue(message, message.ReceivedDate);
            else newest.EnqueueDequeue(message, message.ReceivedDate);
        }
        var page = new List<StoredMessage>(newest.Count);
        while (newest.TryDequeue(out StoredMessage? message, out _)) page.Add(message);
        page.Reverse();
        return new MessagePage { Count = count, Messages = [.. page.Skip(skip)] };
    }

    private static async Task<StoredMessage> FindAsync(IMessageStore store, Guid id, CancellationToken cancellationToken) =>
        await store.ListAsync(new MessageQuery { Ids = [id] }, cancellationToken).FirstOrDefaultAsync(cancellationToken).ConfigureAwait(false)
        ?? throw new MessageStoreException(ErrorIds.MessageNotFound, ErrorKind.NotFound, $"There is no message {id}.", id);

    /// <summary>Always to be saved and never shown, whatever type the sender gave it: a page of the sender's must not run as ours.</summary>
    private static IResult Download(HttpContext context, Stream content, string name)
    {
        context.Response.Headers.ContentSecurityPolicy = "sandbox; default-src 'none'";
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(name);
        context.Response.Headers.ContentDisposition = disposition.ToString();
        return Results.Stream(content, "application/octet-stream");
    }

    private static string FileNameOf(MessageAttachment attachment)
    {
        string name = string.Concat(attachment.FileName.Where(static c => !char.IsControl(c) && !Path.GetInvalidFileNameChars().Contains(c) && c is not ('\\' or ':')));
        return name.Trim('.', ' ').Length > 0 ? name : $"part-{attachment.Number}";
    }

    private sealed class Notices : IProgress<SearchNotice>
    {
        public List<string> Texts { get; } = [];

        public void Report(SearchNotice value) => Texts.Add((value.MayMissHits ? "Hits may be missing. " : "") + value.Message);
    }

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}

/// <summary>A page of a list of messages.</summary>
internal sealed record MessagePage
{
    /// <summary>How many messages there are in all, as far as they were counted.</summary>
    public required long Count { get; init; }
    /// <summary>Whether there are more than were counted.</summary>
    public bool GoesOn { get; init; }
    public required IReadOnlyList<StoredMessage> Messages { get; init; }
    /// <summary>What a search has to say beside its hits, as that some messages could not be read.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

/// <summary>A message as the page shows it.</summary>
internal sealed record MessageView
{
    public required StoredMessage Message { get; init; }
    public required MessageContent Content { get; init; }
    /// <summary>Whether <c>…/page</c> has something to show.</summary>
    public required bool HasPage { get; init; }
}
