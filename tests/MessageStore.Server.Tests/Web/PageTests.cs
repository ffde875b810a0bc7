using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace MessageStore.Server.Tests.Web;

/// <summary>The page in a real browser, as an administrator and as a reader of hostile mail.</summary>
public sealed class PageTests
{
    /// <summary>Nothing here takes seconds; a browser on a machine that is busy with other tests may.</summary>
    private const float LongestWaitMs = 120_000;

    /// <summary>Where to leave pictures of the page; nowhere unless asked for.</summary>
    private static readonly string? Pictures = Environment.GetEnvironmentVariable("MESSAGESTORE_PICTURES");

    [ChromiumFact]
    public async Task An_administrator_signs_in_and_sees_the_database()
    {
        await using WebHost site = await WebHost.StartAsync();
        await using (IMessageStore store = await MessageDatabase.OpenAsync(site.Database)) await store.BackupAsync(new BackupOptions());
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await LaunchAsync(playwright);
        IPage page = await OpenAsync(browser, site);

        await page.GetByLabel("Access key").FillAsync("wrong");
        await page.GetByText("Sign in", new() { Exact = true }).ClickAsync();
        await page.WaitForURLAsync("**/signin?wrong");
        await SignInAsync(page, site);
        await page.GetByText("All well").WaitForAsync();
        await page.GetByRole(AriaRole.Cell, new() { Name = "SG1" }).WaitForAsync();
        await PictureAsync(page, "overview");
        foreach ((string tab, string shows) in ((string, string)[])[("Backups", "complete"), ("Archives", "Nothing is archived yet."), ("Nodes", "goes to files"), ("History", "Maintenance has not run yet.")])
        {
            await page.GetByRole(AriaRole.Link, new() { Name = tab, Exact = true }).ClickAsync();
            await page.GetByText(shows).First.WaitForAsync();
        }
        await page.GetByText("Sign out").ClickAsync();
        await page.WaitForURLAsync("**/signin");
    }

    [ChromiumFact]
    public async Task A_reader_finds_a_hostile_message_and_nothing_of_it_runs_or_calls_home()
    {
        await using WebHost site = await WebHost.StartAsync();
        using IPlaywright playwright = await Playwright.CreateAsync();
        await using IBrowser browser = await LaunchAsync(playwright);
        IPage page = await OpenAsync(browser, site);
        ConcurrentQueue<string> elsewhere = [], dialogs = [];
        page.Request += (_, request) => { if (!request.Url.StartsWith(site.Address.ToString(), StringComparison.Ordinal)) elsewhere.Enqueue(request.Url); };
        page.Dialog += async (_, dialog) => { dialogs.Enqueue(dialog.Message); await dialog.DismissAsync(); };
        await SignInAsync(page, site);
        await page.GetByRole(AriaRole.Link, new() { Name = "Mail", Exact = true }).ClickAsync();
        await page.GetByText("report 1").WaitForAsync();
        await PictureAsync(page, "mail");
        await page.GetByLabel("Subject").FillAsync("onerror");
        await page.GetByText("Search", new() { Exact = true }).ClickAsync();
        await page.GetByText("report 1").WaitForAsync(new() { State = WaitForSelectorState.Detached });

        await page.GetByRole(AriaRole.Row).Filter(new() { HasText = "<img src=x onerror=alert(1)>" }).ClickAsync();
        await page.GetByText("As its sender laid it out").ClickAsync();
        IFrameLocator frame = page.FrameLocator("iframe");
        Assert.Equal("Hello", await frame.Locator("h1").TextContentAsync());
        Assert.Equal(0, await frame.Locator("script, form, button, img[src], [onload]").CountAsync());
        await PictureAsync(page, "message");
        IDownload saved = await page.RunAndWaitForDownloadAsync(() => page.GetByText("evil.html").ClickAsync());
        Assert.Equal("evil.html", saved.SuggestedFilename);
        Assert.Equal("MessageStore", await page.TitleAsync());
        Assert.Empty(elsewhere);
        Assert.Empty(dialogs);
    }

    private static Task<IBrowser> LaunchAsync(IPlaywright playwright) => playwright.Chromium.LaunchAsync(new()
    {
        ExecutablePath = ChromiumFactAttribute.Program,
        Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
    });

    private static async Task<IPage> OpenAsync(IBrowser browser, WebHost site)
    {
        IPage page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 1200, Height = 800 } });
        page.SetDefaultTimeout(LongestWaitMs);
        await page.GotoAsync(site.Address.ToString());
        await page.WaitForURLAsync("**/signin");
        return page;
    }

    private static async Task SignInAsync(IPage page, WebHost site)
    {
        await page.GetByLabel("Access key").FillAsync(site.Key);
        await page.GetByText("Sign in", new() { Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Overview" }).WaitForAsync();
    }

    private static async Task PictureAsync(IPage page, string name)
    {
        if (Pictures is not null) await page.ScreenshotAsync(new() { Path = Path.Combine(Pictures, name + ".png"), FullPage = true });
    }
}
