using System.Collections.Concurrent;
using System.Net;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageStore.Server.Tests.Web;

public sealed class PageWarmUpTests
{
    [Fact]
    public async Task Once_the_server_listens_everything_that_the_page_asks_for_is_asked_for_with_the_key()
    {
        using var folder = new TemporaryFolder();
        string database = Path.Combine(folder.Path, "mail");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database });
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        _ = AccessKey.Load(database);
        string key = (await File.ReadAllTextAsync(Path.Combine(database, AccessKey.FileName))).Trim();

        var asked = new ConcurrentQueue<string>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication site = builder.Build();
        site.Run(context =>
        {
            Assert.Equal($"Bearer {key}", context.Request.Headers.Authorization);
            asked.Enqueue(context.Request.Path);
            if (context.Request.Path == "/api/series") all.SetResult();
            return Task.CompletedTask;
        });
        await site.StartAsync();
        using var warmUp = new PageWarmUp(store, new WebOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(site.Urls.Single()).Port) }, site.Lifetime, NullLogger<PageWarmUp>.Instance);
        await warmUp.StartAsync(CancellationToken.None);
        await all.Task.WaitAsync(TimeSpan.FromSeconds(120));
        await warmUp.StopAsync(CancellationToken.None);
        Assert.Equal(["/", "/style.css", "/charts.js", "/app.js", "/api/status", "/api/series"], asked);
    }
}
