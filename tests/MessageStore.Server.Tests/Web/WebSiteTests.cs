using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Web;

namespace MessageStore.Server.Tests.Web;

public sealed class WebSiteTests
{
    [Fact]
    public async Task Nothing_but_the_sign_in_page_is_shown_without_the_key()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient stranger = site.Client(withKey: false);
        foreach (string path in (string[])["/api/status", "/api/messages", "/api/mailboxes", "/metrics", "/openapi/api.json", "/app.js", "/store", "/no/such/thing"])
            Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync(new Uri(path, UriKind.Relative))).StatusCode);
        HttpResponseMessage first = await stranger.GetAsync(new Uri("/", UriKind.Relative));
        Assert.Equal("/signin", first.Headers.Location?.OriginalString);
        Assert.Equal("healthy\n", await stranger.GetStringAsync(new Uri("/healthz", UriKind.Relative)));

        using HttpClient wrong = site.Client(withKey: false);
        wrong.DefaultRequestHeaders.Authorization = new("Bearer", site.Key[..^1] + "!");
        Assert.Equal(HttpStatusCode.Unauthorized, (await wrong.GetAsync(new Uri("/api/status", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task The_key_signs_a_browser_in_and_signing_out_ends_it()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient browser = site.Client(withKey: false);
        HttpResponseMessage refused = await SignInAsync(browser, "wrong");
        Assert.Equal("/signin?wrong", refused.Headers.Location?.OriginalString);
        HttpResponseMessage accepted = await SignInAsync(browser, site.Key);
        Assert.Equal("/", accepted.Headers.Location?.OriginalString);
        string cookie = Assert.Single(accepted.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync(new Uri("/api/status", UriKind.Relative))).StatusCode);
        await browser.PostAsync(new Uri("/signout", UriKind.Relative), null);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.GetAsync(new Uri("/api/status", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task Whoever_tries_keys_is_stopped_after_ten()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient browser = site.Client(withKey: false);
        for (int i = 0; i < 10; i++) await SignInAsync(browser, $"wrong {i}");
        Assert.Equal(HttpStatusCode.TooManyRequests, (await SignInAsync(browser, site.Key)).StatusCode);
    }

    [Fact]
    public async Task A_host_name_of_somebody_else_that_leads_here_is_refused()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient client = site.Client(withKey: true);
        client.DefaultRequestHeaders.Host = "evil.example.com";
        Assert.Equal(HttpStatusCode.MisdirectedRequest, (await client.GetAsync(new Uri("/api/status", UriKind.Relative))).StatusCode);
        client.DefaultRequestHeaders.Host = "localhost";
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri("/api/status", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task Messages_are_listed_newest_first_by_page_and_by_what_is_asked()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient client = site.Client(withKey: true);
        JsonElement all = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?first=2", UriKind.Relative));
        Assert.Equal(4, all.GetProperty("count").GetInt64());
        Assert.Equal(["<img src=x onerror=alert(1)> & \"quotes\"", "report 2"], Subjects(all));
        Assert.Equal(["report 1", "report 0"], Subjects(await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?first=2&skip=2", UriKind.Relative))));
        Assert.Equal(["report 1"], Subjects(await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?mailbox=alice&subject=report+1", UriKind.Relative))));
        HttpResponseMessage missing = await client.GetAsync(new Uri("/api/messages?mailbox=nobody", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal("MailboxNotFound", (await missing.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString());
    }

    [Fact]
    public async Task Messages_are_found_by_their_words_by_page()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient client = site.Client(withKey: true);
        JsonElement found = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?q=number&first=2", UriKind.Relative));
        Assert.Equal(["report 2", "report 1"], Subjects(found));
        Assert.True(found.GetProperty("goesOn").GetBoolean());
        found = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?q=number&first=2&skip=2", UriKind.Relative));
        Assert.Equal(["report 0"], Subjects(found));
        Assert.False(found.GetProperty("goesOn").GetBoolean());
        Assert.Equal(3, found.GetProperty("count").GetInt64());
        Assert.Equal(0, found.GetProperty("notices").GetArrayLength());
        Assert.Equal(["report 1"], Subjects(await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?q=number&from=w1@example.org", UriKind.Relative))));
        HttpResponseMessage refused = await client.GetAsync(new Uri("/api/messages?q=is:green", UriKind.Relative));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("InvalidParameter", (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("title").GetString());
    }

    [Fact]
    public async Task A_message_comes_as_text_as_a_harmless_page_and_as_the_bytes_that_came()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient client = site.Client(withKey: true);
        string id = (await client.GetFromJsonAsync<JsonElement>(new Uri("/api/messages?subject=onerror", UriKind.Relative))).GetProperty("messages")[0].GetProperty("id").GetString()!;
        JsonElement view = await client.GetFromJsonAsync<JsonElement>(new Uri($"/api/messages/{id}", UriKind.Relative));
        Assert.True(view.GetProperty("hasPage").GetBoolean());

        HttpResponseMessage page = await client.GetAsync(new Uri($"/api/messages/{id}/page", UriKind.Relative));
        string html = await page.Content.ReadAsStringAsync();
        Assert.Contains("<h1>Hello</h1>", html, StringComparison.Ordinal);
        foreach (string evil in (string[])["<script", "onload", "javascript:", "track.gif", "<form", "<button"]) Assert.DoesNotContain(evil, html, StringComparison.OrdinalIgnoreCase);
        string policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("sandbox", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("allow-scripts", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("allow-same-origin", policy, StringComparison.Ordinal);

        Assert.Equal(WebHost.Hostile, await client.GetStringAsync(new Uri($"/api/messages/{id}/raw", UriKind.Relative)));
        JsonElement attached = view.GetProperty("content").GetProperty("attachments")[0];
        HttpResponseMessage part = await client.GetAsync(new Uri($"/api/messages/{id}/parts/{attached.GetProperty("number").GetInt32()}", UriKind.Relative));
        Assert.Equal("application/octet-stream", part.Content.Headers.ContentType?.MediaType);
        Assert.Equal("attachment", part.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal("evil.html", part.Content.Headers.ContentDisposition?.FileNameStar);
        Assert.Equal("<script>alert(4)</script>", (await part.Content.ReadAsStringAsync()).Trim());
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri($"/api/messages/{id}/parts/99", UriKind.Relative))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri($"/api/messages/{Guid.NewGuid()}", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task Figures_are_there_for_Prometheus_and_a_backup_that_is_missing_is_unhealthy()
    {
        await using WebHost site = await WebHost.StartAsync(health: new HealthLimits { MaximumBackupAge = TimeSpan.FromHours(1) });
        using HttpClient client = site.Client(withKey: true);
        string text = await client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        Assert.Contains("messagestore_messages{storage_group=\"SG1\"} 4\n", text, StringComparison.Ordinal);
        Assert.Contains("messagestore_backup_age_seconds{storage_group=\"SG1\"} +Inf\n", text, StringComparison.Ordinal);
        Assert.Contains("messagestore_healthy 0\n", text, StringComparison.Ordinal);
        await client.GetAsync(new Uri("/api/messages", UriKind.Relative));
        Assert.Matches("messagestore_operation_latency_seconds\\{operation=\"list\",quantile=\"0.99\"\\} [0-9.E-]+\n", await client.GetStringAsync(new Uri("/metrics", UriKind.Relative)));
        HttpResponseMessage health = await client.GetAsync(new Uri("/healthz", UriKind.Relative));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);

        await using (IMessageStore store = await MessageDatabase.OpenAsync(site.Database)) await store.BackupAsync(new BackupOptions());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri("/healthz", UriKind.Relative))).StatusCode);
        Assert.Contains("messagestore_healthy 1\n", await client.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
        JsonElement backups = await client.GetFromJsonAsync<JsonElement>(new Uri("/api/backups", UriKind.Relative));
        Assert.True(backups[0].GetProperty("isComplete").GetBoolean());
    }

    [Fact]
    public async Task The_API_describes_itself_completely()
    {
        await using WebHost site = await WebHost.StartAsync();
        using HttpClient client = site.Client(withKey: true);
        JsonElement document = await client.GetFromJsonAsync<JsonElement>(new Uri("/openapi/api.json", UriKind.Relative));
        string[] paths = [.. document.GetProperty("paths").EnumerateObject().Select(static path => path.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(
            ["/api/archives", "/api/backups", "/api/history", "/api/mailboxes", "/api/messages", "/api/messages/{id}", "/api/messages/{id}/page", "/api/messages/{id}/parts/{number}", "/api/messages/{id}/raw", "/api/nodes", "/api/plan", "/api/series", "/api/status"],
            paths);
        foreach (JsonProperty path in document.GetProperty("paths").EnumerateObject())
            Assert.NotEqual("", path.Value.GetProperty("get").GetProperty("summary").GetString());
    }

    [Fact]
    public async Task An_address_that_others_reach_is_refused_without_TLS()
    {
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => WebHost.StartAsync(new WebOptions { EndPoint = new IPEndPoint(IPAddress.Any, 0) }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
        Assert.Contains("TLS", error.Message, StringComparison.Ordinal);
    }

    [UnixFact]
    public async Task A_key_that_others_can_read_is_refused()
    {
        MessageStoreException error = await Assert.ThrowsAsync<MessageStoreException>(() => WebHost.StartAsync(before: static path =>
        {
            string file = Path.Combine(path, AccessKey.FileName);
            File.WriteAllText(file, new string('k', 64));
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        }));
        Assert.Equal(ErrorIds.InvalidParameter, error.ErrorId);
    }

    private static Task<HttpResponseMessage> SignInAsync(HttpClient browser, string key) =>
        browser.PostAsync(new Uri("/signin", UriKind.Relative), new FormUrlEncodedContent([new("key", key)]));

    private static IEnumerable<string?> Subjects(JsonElement page) => page.GetProperty("messages").EnumerateArray().Select(static message => message.GetProperty("subject").GetString());
}
