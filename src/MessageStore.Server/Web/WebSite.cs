using System.Text.Json.Serialization;
using MessageStore.Server.Serving;
using MessageStore.Server.Telemetry;
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
        services.AddSingleton<Series>();
        services.AddHostedService(static provider => provider.GetRequiredService<Series>());
        services.AddSingleton<PageWarmUp>();
        services.AddHostedService(static provider => provider.GetRequiredService<PageWarmUp>());
        services.ConfigureHttpJsonOptions(static json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        services.AddOpenApi("api", static api => api.ShouldInclude = static description => description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true);
    }

    public static void Listen(KestrelServerOptions kestrel, WebOptions options)
    {
        kestrel.Listen(options.EndPoint, listen =>
        {
            // HTTP/2 is agreed on within TLS.
            listen.Protocols = options.UsesTls ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (options.Certificate is { } certificate) listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = certificate });
        });
    }

    public static void Map(WebApplication host, IMessageStore store)
    {
        IServiceProvider services = host.Services;
        Gate gate = services.GetRequiredService<Gate>();
        Health health = services.GetRequiredService<Health>();
        StoreMetrics metrics = services.GetRequiredService<StoreMetrics>();
        Operations operations = services.GetRequiredService<Operations>();
        host.UseWhen(static context => !StoreEndpoint.IsOwnSocket(context), site => site.Use(next => context => gate.PassAsync(context, next)).Use(next => context => Errors.CatchAsync(context, next)));

        WebAssets.Map(host);
        host.MapPost("/signin", (Func<HttpContext, Task<IResult>>)gate.SignInAsync).DisableAntiforgery().ExcludeFromDescription();
        host.MapPost("/signout", (Func<HttpContext, IResult>)gate.SignOut).DisableAntiforgery().ExcludeFromDescription();

        RouteGroupBuilder api = host.MapGroup("/api");
        StatusApi.Map(api, store, health, services.GetRequiredService<Series>());
        MailApi.Map(api, store, operations);
        host.MapOpenApi("/openapi/{documentName}.json");

        host.MapGet("/metrics", async (CancellationToken aborted) =>
        {
            await metrics.LookAsync(store, health, aborted).ConfigureAwait(false);
            return Results.Text(PrometheusText.Write(metrics.Meter, operations.Meter), PrometheusText.ContentType);
        }).ExcludeFromDescription();
    }
}
