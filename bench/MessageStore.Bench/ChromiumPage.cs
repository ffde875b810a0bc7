using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MessageStore.Bench;

/// <summary>A page in a context of its own: no cookies, nothing cached.</summary>
/// <param name="context">Of the browser.</param>
/// <param name="target">The page's.</param>
/// <param name="session">By which it is spoken to.</param>
internal sealed class ChromiumPage(ChromiumPeer browser, string context, string target, string session) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    /// <summary>Notes, before anything of a document runs, when the first thing is drawn into it; the page's script puts everything in at once.</summary>
    private const string Watch = "new MutationObserver(() => { if (!window.drawn && document.querySelector('#main > *')) window.drawn = performance.now(); }).observe(document, { childList: true, subtree: true });";

    public static async Task<ChromiumPage> OpenAsync(ChromiumPeer browser)
    {
        string context = (string)(await browser.CallAsync("Target.createBrowserContext").ConfigureAwait(false))["browserContextId"]!;
        string target = (string)(await browser.CallAsync("Target.createTarget", new() { ["url"] = "about:blank", ["browserContextId"] = context }).ConfigureAwait(false))["targetId"]!;
        string session = (string)(await browser.CallAsync("Target.attachToTarget", new() { ["targetId"] = target, ["flatten"] = true }).ConfigureAwait(false))["sessionId"]!;
        await browser.CallAsync("Page.enable", [], session).ConfigureAwait(false);
        await browser.CallAsync("Page.addScriptToEvaluateOnNewDocument", new() { ["source"] = Watch }, session).ConfigureAwait(false);
        return new ChromiumPage(browser, context, target, session);
    }

    /// <summary>Goes to an address as from the address line.</summary>
    public Task GoAsync(string url) => browser.CallAsync("Page.navigate", new() { ["url"] = url }, session);

    /// <returns>The value of a script; <see langword="null"/> where it has none or its document has gone.</returns>
    public async Task<JsonNode?> RunAsync(string script)
    {
        try
        {
            JsonObject answer = await browser.CallAsync("Runtime.evaluate", new() { ["expression"] = script, ["returnByValue"] = true }, session).ConfigureAwait(false);
            return answer["result"]?["value"];
        }
        catch (InvalidOperationException)
        {
            return null; // refused: the next document came in between
        }
    }

    /// <summary>Waits until a document of a path is loaded and, where it draws anything into itself, drawn.</summary>
    /// <returns>Milliseconds from the navigation's start to the end of the load event, and to what is drawn.</returns>
    public async Task<(double Load, double Drawn)> TimesAsync(string path, bool draws)
    {
        string script = $"(() => {{ const n = performance.getEntriesByType('navigation')[0]; return location.pathname === {JsonSerializer.Serialize(path)} && n?.loadEventEnd > 0 && {(draws ? "window.drawn" : "true")} ? [n.loadEventEnd, window.drawn ?? 0] : null; }})()";
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience; await Task.Delay(Poll).ConfigureAwait(false))
            if (await RunAsync(script).ConfigureAwait(false) is JsonArray times) return ((double)times[0]!, (double)times[1]!);
        throw new TimeoutException($"{path} was not loaded.");
    }

    public async ValueTask DisposeAsync()
    {
        await browser.CallAsync("Target.closeTarget", new() { ["targetId"] = target }).ConfigureAwait(false);
        await browser.CallAsync("Target.disposeBrowserContext", new() { ["browserContextId"] = context }).ConfigureAwait(false);
    }
}
