using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Server.Web;

/// <summary>
/// Signs in and asks for the page once, as a browser would, as soon as the server listens: what is compiled when it is first used is compiled then, and not while the first administrator waits. Where the page is is said
/// when this has ended, in whatever way (<see cref="BackgroundService.ExecuteTask"/>); nothing else depends on it.
/// </summary>
internal sealed partial class PageWarmUp(IMessageStore store, WebOptions options, IHostApplicationLifetime lifetime, ILogger<PageWarmUp> log) : BackgroundService
{
    private static readonly string[] Paths = ["/", "/style.css", "/charts.js", "/app.js", "/api/status", "/api/series"];

    /// <summary>For all of it: a database that answers slowly keeps nobody from learning where its page is.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // Who stops the server first says so to its lifetime, and then waits for what runs.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, lifetime.ApplicationStopping);
        using (lifetime.ApplicationStarted.Register(() => started.TrySetResult()))
        using (ending.Token.Register(() => started.TrySetCanceled(ending.Token)))
        {
            try
            {
                await started.Task.ConfigureAwait(false);
                ending.CancelAfter(Patience);
                if (Address() is { } address) await LoadAsync(address, ending.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested || lifetime.ApplicationStopping.IsCancellationRequested)
            {
            }
            catch (Exception error) when (error is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                NotLoaded(error.Message);
            }
        }
    }

    private async Task LoadAsync(Uri address, CancellationToken ending)
    {
        string key = (await File.ReadAllTextAsync(Path.Combine(store.Path, AccessKey.FileName), ending).ConfigureAwait(false)).Trim();
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 own && own.RawDataMemory.Span.SequenceEqual(options.Certificate!.RawDataMemory.Span);
        using var client = new HttpClient(handler) { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        await AskAsync(client, HttpMethod.Get, "/signin", null, ending).ConfigureAwait(false);
        await AskAsync(client, HttpMethod.Post, "/signin", new FormUrlEncodedContent([new("key", key)]), ending).ConfigureAwait(false);
        await Task.WhenAll(Paths.Select(path => AskAsync(client, HttpMethod.Get, path, null, ending))).ConfigureAwait(false);
        await AskAsync(client, HttpMethod.Post, "/signout", null, ending).ConfigureAwait(false); // its session is nobody's
    }

    private async Task AskAsync(HttpClient client, HttpMethod method, string path, HttpContent? content, CancellationToken ending)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using HttpResponseMessage answer = await client.SendAsync(request, ending).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.Redirect) NotLoaded($"{path} was answered with {(int)answer.StatusCode}.");
    }

    /// <summary>Where the page is from here; <see langword="null"/> where the port was left to the system, as tests do.</summary>
    private Uri? Address()
    {
        if (options.EndPoint.Port == 0) return null;
        IPAddress here = options.EndPoint.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : options.EndPoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : options.EndPoint.Address;
        return new UriBuilder(options.UsesTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, here.ToString(), options.EndPoint.Port).Uri;
    }

    [LoggerMessage(LogLevel.Debug, "The page was not loaded ahead: {reason}")]
    private partial void NotLoaded(string reason);
}
