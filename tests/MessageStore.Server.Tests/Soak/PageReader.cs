using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace MessageStore.Server.Tests.Soak;

/// <summary>A reader at the page's API: lists, searches by subject, opens messages.</summary>
internal sealed class PageReader(Uri address, string key, int mailboxes, int seed) : IDisposable
{
    private readonly Random random = new(seed);
    private readonly HttpClient client = new() { BaseAddress = address, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };

    /// <summary>Answers that came.</summary>
    public List<double> Milliseconds { get; } = [];

    /// <summary>Requests that nobody answered: the server was away.</summary>
    public int Away { get; private set; }

    /// <summary>Answers that were errors, which there must not be.</summary>
    public List<string> Errors { get; } = [];

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                string mailbox = $"m{random.Next(mailboxes)}@example.org";
                JsonElement page = await GetAsync($"/api/messages?first=20&mailbox={mailbox}{(random.Next(2) == 0 ? "&subject=1" : "")}");
                if (page.ValueKind != JsonValueKind.Undefined)
                {
                    JsonElement[] messages = [.. page.GetProperty("messages").EnumerateArray()];
                    if (messages.Length > 0) await GetAsync($"/api/messages/{messages[random.Next(messages.Length)].GetProperty("id").GetString()}");
                }
                await Task.Delay(100, cancellationToken);
            }
            catch (Exception error) when (error is HttpRequestException or IOException)
            {
                Away++;
                await Task.Delay(100, CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    public void Dispose() => client.Dispose();

    private async Task<JsonElement> GetAsync(string path)
    {
        var watch = Stopwatch.StartNew();
        using HttpResponseMessage answer = await client.GetAsync(new Uri(path, UriKind.Relative), CancellationToken.None);
        Milliseconds.Add(watch.Elapsed.TotalMilliseconds);
        if (answer.IsSuccessStatusCode) return await answer.Content.ReadFromJsonAsync<JsonElement>(CancellationToken.None);
        string text = await answer.Content.ReadAsStringAsync(CancellationToken.None);
        if (!text.Contains(ErrorIds.MailboxNotFound, StringComparison.Ordinal)) Errors.Add($"{path}: {(int)answer.StatusCode} {text}");
        return default;
    }
}
