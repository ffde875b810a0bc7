using System.Net;
using System.Threading.RateLimiting;

namespace MessageStore.Server.Web;

/// <summary>Who gets in: the right host name, then the key, by a session's cookie or as a bearer token. Everything else ends here.</summary>
internal sealed class Gate(AccessKey key, Sessions sessions, WebOptions options) : IDisposable
{
    /// <summary><c>__Host-</c> would need TLS, which loopback does without.</summary>
    public const string Cookie = "messagestore";

    private const string Bearer = "Bearer ";
    private const int TriesAMinute = 10;

    /// <summary>A key of 256 bits is not guessed; this keeps those who try from costing anything.</summary>
    private readonly PartitionedRateLimiter<IPAddress> tries = PartitionedRateLimiter.Create<IPAddress, IPAddress>(static address => RateLimitPartition.GetFixedWindowLimiter(
        address, static _ => new FixedWindowRateLimiterOptions { PermitLimit = TriesAMinute, Window = TimeSpan.FromMinutes(1) }));

    public void Dispose() => tries.Dispose();

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        if (!IsHost(context.Request.Host.Host))
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            return;
        }
        Harden(context.Response.Headers);
        if (IsOpen(context.Request.Path) || IsSignedIn(context.Request))
        {
            await next(context).ConfigureAwait(false);
        }
        else if (HttpMethods.IsGet(context.Request.Method) && context.Request.Path == "/")
        {
            context.Response.Redirect("/signin");
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }
    }

    /// <summary>Takes the key from the form of the sign-in page.</summary>
    public async Task<IResult> SignInAsync(HttpContext context)
    {
        using RateLimitLease lease = tries.AttemptAcquire(context.Connection.RemoteIpAddress ?? IPAddress.None);
        if (!lease.IsAcquired) return Results.StatusCode(StatusCodes.Status429TooManyRequests);
        IFormCollection form = await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        if (!key.Is(form["key"].ToString().Trim())) return Results.Redirect("/signin?wrong");
        context.Response.Cookies.Append(Cookie, sessions.Begin(), new CookieOptions
        {
            HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = options.UsesTls, MaxAge = Sessions.Life, Path = "/",
        });
        return Results.Redirect("/");
    }

    public IResult SignOut(HttpContext context)
    {
        sessions.End(context.Request.Cookies[Cookie]);
        context.Response.Cookies.Delete(Cookie);
        return Results.Redirect("/signin");
    }

    private bool IsSignedIn(HttpRequest request)
    {
        string authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? key.Is(authorization[Bearer.Length..].Trim()) : sessions.Has(request.Cookies[Cookie]);
    }

    private static bool IsOpen(PathString path) => path == "/signin" || path == "/style.css" || path == "/healthz";

    private bool IsHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.Trim('[', ']'), out _) || options.HostNames.Contains(host, StringComparer.OrdinalIgnoreCase);

    private static void Harden(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }
}
