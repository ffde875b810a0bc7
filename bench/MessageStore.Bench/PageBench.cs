using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace MessageStore.Bench;

/// <summary>
/// What an administrator waits for: the page in a browser that runs already, in a context without cookies or cache, from the navigation's start to the end of the load event, for each start of a server once. Sessions do
/// not outlive the server, so that its first page is always the sign-in.
/// </summary>
internal static class PageBench
{
    /// <summary>From the line that says where the page is to its being asked for, where somebody goes there by hand.</summary>
    private static readonly TimeSpan ByHand = TimeSpan.FromSeconds(1);

    private const string Announces = "page at ";

    /// <param name="database">A database; its web.key is made by the first start.</param>
    public static async Task<IReadOnlyList<BenchRow>> RunAsync(string database, int rounds)
    {
        await using ChromiumPeer? browser = await ChromiumPeer.StartAsync(Path.GetTempPath()).ConfigureAwait(false);
        if (browser is null) return [];
        double floor = await FloorAsync(browser, rounds).ConfigureAwait(false);
        List<Loads> byHand = [], atOnce = [], later = [];
        for (int round = 0; round < rounds; round++)
        {
            byHand.Add(await StartAndLoadAsync(browser, database, ByHand, later).ConfigureAwait(false));
            atOnce.Add(await StartAndLoadAsync(browser, database, TimeSpan.Zero, later).ConfigureAwait(false));
        }
        return
        [
            Row("page, first load", byHand, floor, "a second after the server said where it is"),
            Row("page, first load, at once", atOnce, floor, string.Create(CultureInfo.InvariantCulture, $"as soon as the server said where it is, {BenchRow.Median(atOnce.Select(static l => l.Announced)):N0} ms after it was started")),
            Row("page, second load", later, floor, "the same server, a new context"),
        ];
    }

    private static BenchRow Row(string name, List<Loads> loads, double floor, string note) => new($"server, {name}", BenchRow.Median(loads.Select(static l => l.Page)), floor, "ms", string.Create(CultureInfo.InvariantCulture,
        $"Chromium, load event; beside it: an empty page. {note}; figures drawn after {BenchRow.Median(loads.Select(static l => l.Drawn)):N0} ms; the sign-in before it {BenchRow.Median(loads.Select(static l => l.SignIn)):N0} ms"));

    private static async Task<Loads> StartAndLoadAsync(ChromiumPeer browser, string database, TimeSpan wait, List<Loads> later)
    {
        var start = Stopwatch.StartNew();
        (BenchServer server, string told) = await BenchServer.StartAsync(database, ["--set", $"Web:Listen=127.0.0.1:{BenchServer.FreePort()}"], Announces).ConfigureAwait(false);
        await using (server.ConfigureAwait(false))
        {
            double announced = start.Elapsed.TotalMilliseconds;
            await Task.Delay(wait).ConfigureAwait(false);
            string url = told[..told.IndexOf(',', StringComparison.Ordinal)], key = (await File.ReadAllTextAsync(Path.Combine(database, "web.key")).ConfigureAwait(false)).Trim();
            Loads first = (await LoadAsync(browser, url, key).ConfigureAwait(false)) with { Announced = announced };
            later.Add(await LoadAsync(browser, url, key).ConfigureAwait(false));
            return first;
        }
    }

    private static async Task<Loads> LoadAsync(ChromiumPeer browser, string url, string key)
    {
        await using ChromiumPage page = await ChromiumPage.OpenAsync(browser).ConfigureAwait(false);
        await page.GoAsync(url).ConfigureAwait(false);
        (double signIn, _) = await page.TimesAsync("/signin", draws: false).ConfigureAwait(false);
        await page.RunAsync($"document.getElementById('key').value = '{key}'; document.forms[0].submit()").ConfigureAwait(false);
        (double load, double drawn) = await page.TimesAsync("/", draws: true).ConfigureAwait(false);
        return new Loads(signIn, load, drawn);
    }

    /// <summary>What the browser takes for itself: a page with nothing in it and nothing to compute.</summary>
    private static async Task<double> FloorAsync(ChromiumPeer browser, int rounds)
    {
        string url = $"http://127.0.0.1:{BenchServer.FreePort()}/";
        using var site = new HttpListener { Prefixes = { url } };
        site.Start();
        Task serving = ServeAsync(site);
        var times = new List<double>();
        for (int i = 0; i <= Math.Max(5, rounds); i++)
        {
            await using ChromiumPage page = await ChromiumPage.OpenAsync(browser).ConfigureAwait(false);
            await page.GoAsync(url).ConfigureAwait(false);
            times.Add((await page.TimesAsync("/", draws: false).ConfigureAwait(false)).Load);
        }
        site.Stop();
        await serving.ConfigureAwait(false);
        return BenchRow.Median(times.Skip(1)); // the first warms the browser up
    }

    private static async Task ServeAsync(HttpListener site)
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await site.GetContextAsync().ConfigureAwait(false);
                context.Response.ContentType = "text/html";
                context.Response.Close("<!doctype html><title>nothing</title>"u8.ToArray(), willBlock: false);
            }
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
        {
            // It was stopped.
        }
    }

    /// <summary>Milliseconds from each navigation's start; the announcement's from the process's.</summary>
    private sealed record Loads(double SignIn, double Page, double Drawn, double Announced = 0);
}
