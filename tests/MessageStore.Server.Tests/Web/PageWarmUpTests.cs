using System.Collections.Concurrent;
using System.Net;
using MessageStore.Server.Tests.Support;
using MessageStore.Server.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageStore.Server.Tests.Web;

public sealed class PageWarmUpTests
{
    [Fact]
    public async Task Once_the_server_listens_somebody_signs_in_asks_for_everything_that_the_page_asks_for_and_signs_out()
    {
        using var folder = new TemporaryFolder();
        string database = Path.Combine(folder.Path, "mail");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database });
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        _ = AccessKey.Load(database);
        string key = (await File.ReadAllTextAsync(Path.Combine(database, AccessKey.FileName))).Trim();

        var asked = new ConcurrentQueue<string>();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication site = builder.Build();
        site.Run(async context =>
        {
            string path = context.Request.Path.ToString();
            bool hasKey = context.Request.HasFormContentType && (await context.Request.ReadFormAsync())["key"] == key;
            asked.Enqueue($"{context.Request.Method} {path}{(hasKey ? " key" : "")}{(context.Request.Cookies.ContainsKey(Gate.Cookie) ? " cookie" : "")}");
            if (hasKey) context.Response.Cookies.Append(Gate.Cookie, "session");
            if (hasKey) context.Response.Redirect("/");
        });
        await site.StartAsync();
        using var warmUp = new PageWarmUp(store, new WebOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(site.Urls.Single()).Port) }, site.Lifetime, NullLogger<PageWarmUp>.Instance);
        await warmUp.StartAsync(CancellationToken.None);
        await warmUp.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(120));
        await warmUp.StopAsync(CancellationToken.None);
        Assert.Equal(["GET /signin", "POST /signin key", "POST /signout cookie"], [.. asked.Take(2), asked.Last()]);
        string[] page = ["/", "/api/series", "/api/status", "/app.js", "/charts.js", "/style.css"];
        Assert.Equal(page.Select(static path => $"GET {path} cookie"), asked.Skip(2).SkipLast(1).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_server_that_is_told_to_stop_does_not_wait_for_a_page_that_does_not_come()
    {
        using var folder = new TemporaryFolder();
        string database = Path.Combine(folder.Path, "mail");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database });
        await using IMessageStore store = await MessageDatabase.OpenAsync(database);
        _ = AccessKey.Load(database);

        var isAsked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using WebApplication site = builder.Build();
        site.Run(async context =>
        {
            isAsked.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        await site.StartAsync();
        var log = new LogLines();
        using var warmUp = new PageWarmUp(store, new WebOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(site.Urls.Single()).Port) }, site.Lifetime, log);
        await warmUp.StartAsync(CancellationToken.None);
        await isAsked.Task.WaitAsync(TimeSpan.FromSeconds(120));
        Assert.False(warmUp.ExecuteTask!.IsCompleted);
        site.Lifetime.StopApplication();
        await warmUp.ExecuteTask.WaitAsync(TimeSpan.FromSeconds(120));
        Assert.True(warmUp.ExecuteTask.IsCompletedSuccessfully);
        Assert.Empty(log.Lines); // it did not end because it had waited long enough
    }

    private sealed class LogLines : ILogger<PageWarmUp>
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue(formatter(state, exception));
    }
}
