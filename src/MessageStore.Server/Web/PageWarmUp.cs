using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Server.Web;

/// <summary>
/// Asks for the page once, as a browser would, as soon as the server listens: what is compiled when it is first used is compiled then, and not while the first administrator waits. Nothing depends on it.
/// </summary>
internal sealed partial class PageWarmUp(IMessageStore store, WebOptions options, IHostApplicationLifetime lifetime, ILogger<PageWarmUp> log) : BackgroundService
{
    private static readonly string[] Paths = ["/", "/style.css", "/charts.js", "/app.js", "/api/status", "/api/series"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (lifetime.ApplicationStarted.Register(started.SetResult))
        using (stoppingToken.Register(() => started.TrySetCanceled(stoppingToken)))
        {
            try
            {
                await started.Task.ConfigureAwait(false);
                if (Address() is { } address) await LoadAsync(address, stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
            }
            catch (Exception error) when (error is HttpRequestException or IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                NotLoaded(error.Message);
            }
        }
    }

    private async Task LoadAsync(Uri address, CancellationToken stoppingToken)
    {
        string key = (await File.ReadAllTextAsync(Path.Combine(store.Path, AccessKey.FileName), stoppingToken).ConfigureAwait(false)).Trim();
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is X509Certificate2 own && own.RawDataMemory.Span.SequenceEqual(options.Certificate!.RawDataMemory.Span);
        using var client = new HttpClient(handler) { BaseAddress = address, Timeout = Patience, DefaultRequestHeaders = { Authorization = new("Bearer", key) } };
        foreach (string path in Paths)
        {
            using HttpResponseMessage answer = await client.GetAsync(new Uri(path, UriKind.Relative), stoppingToken).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode) NotLoaded($"{path} was answered with {(int)answer.StatusCode}.");
        }
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
