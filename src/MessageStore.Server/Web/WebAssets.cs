using System.Reflection;

namespace MessageStore.Server.Web;

/// <summary>The files of the page. They lie in the assembly: nothing is built, nothing comes from elsewhere, nothing can be missing.</summary>
internal static class WebAssets
{
    private static readonly (string Route, string File, string Type)[] Files =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/signin", "signin.html", "text/html; charset=utf-8"),
        ("/app.js", "app.js", "text/javascript; charset=utf-8"),
        ("/charts.js", "charts.js", "text/javascript; charset=utf-8"),
        ("/style.css", "style.css", "text/css; charset=utf-8"),
    ];

    public static void Map(IEndpointRouteBuilder host)
    {
        foreach ((string route, string file, string type) in Files)
        {
            byte[] content = Read(file);
            host.MapGet(route, () => Results.Bytes(content, type)).ExcludeFromDescription();
        }
    }

    private static byte[] Read(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"MessageStore.Server.Web.assets.{file}")!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
