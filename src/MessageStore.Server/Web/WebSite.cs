using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization;
using MessageStore.Server.Serving;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace MessageStore.Server.Web;

/// <summary>The page, its API and what monitoring reads, on an address of the network; the store's own socket knows nothing of it.</summary>
internal static class WebSite
{
    public static void AddServices(IServiceCollection services, WebOptions options, IMessageStore store)
    {
        options.Check();
        services.AddSingleton(options);
        services.AddSingleton(AccessKey.Load(store.Path));
        services.AddSingleton<Sessions>();
        services.AddSingleton<Gate>();
        services.AddSingleton(new Health(store, options.MaximumBackupAge));
        services.AddSingleton<StoreMetrics>();
        services.AddSingleton<Series>();
        services.AddHostedService(static provider => provider.GetRequiredService<Series>());
        services.ConfigureHttpJsonOptions(static json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        services.AddOpenApi("api", static api => api.ShouldInclude = static description => description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true);
    }

    public static void Listen(KestrelServerOptions kestrel, WebOptions options)
    {
        kestrel.Listen(options.EndPoint, listen =>
        {
            // HTTP/2 is agreed on within TLS.
            listen.Protocols = options.UsesTls ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (options.CertificatePath is not { } path) return;
            X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(path, options.CertificateKeyPath);
            // A PEM key lives in memory only; a round trip gives it a form that every platform's TLS takes.
            listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null) });
        });
    }

    public static void Map(WebApplication host, IMessageStore store)
    {
        IServiceProvider services = host.Services;
        Gate gate = services.GetRequiredService<Gate>();
        Health health = services.GetRequiredService<Health>();
        StoreMetrics metrics = services.GetRequiredService<StoreMetrics>();
        host.UseWhen(static context => !StoreEndpoint.IsOwnSocket(context), site => site.Use(next => context => gate.PassAsync(context, next)).Use(next => context => Errors.CatchAsync(context, next)));

        WebAssets.Map(host);
        host.MapPost("/signin", (Func<HttpContext, Task<IResult>>)gate.SignInAsync).DisableAntiforgery().ExcludeFromDescription();
        host.MapPost("/signout", (Func<HttpContext, IResult>)gate.SignOut).DisableAntiforgery().ExcludeFromDescription();

        RouteGroupBuilder api = host.MapGroup("/api");
        StatusApi.Map(api, store, health, services.GetRequiredService<Series>());
        MailApi.Map(api, store);
        host.MapOpenApi("/openapi/{documentName}.json");

        host.MapGet("/metrics", async (CancellationToken aborted) =>
        {
            metrics.Set(await store.GetStatusAsync(aborted).ConfigureAwait(false), await health.LookAsync(aborted).ConfigureAwait(false));
            return Results.Text(PrometheusText.Write(), PrometheusText.ContentType);
        }).ExcludeFromDescription();
    }
}
