using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using MessageStore.Server.Serving;
using MessageStore.Server.Tests.Soak;
using MessageStore.Server.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace MessageStore.Server.Tests.Serving;

/// <summary>What servers here take from where they happen to be started: nothing.</summary>
public sealed class ServerHostTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Neither_a_settings_file_in_the_working_directory_nor_the_environment_opens_an_address()
    {
        int byFile = FreePort(), byVariable = FreePort();
        string elsewhere = Directory.CreateDirectory(Path.Combine(folder.Path, "elsewhere")).FullName, database = Path.Combine(folder.Path, "db");
        await File.WriteAllTextAsync(Path.Combine(elsewhere, "appsettings.json"), $$"""{ "Kestrel": { "Endpoints": { "Stray": { "Url": "http://127.0.0.1:{{byFile}}" } } } }""");
        await MessageDatabase.CreateAsync(new MessageDatabaseOptions { Path = database });
        using var server = new ServerProcess(database)
        {
            WorkingDirectory = elsewhere,
            Environment = new Dictionary<string, string>
            {
                ["Kestrel__Endpoints__Other__Url"] = $"http://127.0.0.1:{byVariable}",
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{byVariable}",
                ["ASPNETCORE_HTTP_PORTS"] = $"{byVariable}",
            },
        };
        await server.StartAsync();
        int[] listening = [.. IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Select(l => l.Port)];
        Assert.DoesNotContain(byFile, listening);
        Assert.DoesNotContain(byVariable, listening);
    }

    [Fact]
    public void Nothing_configures_a_server_but_its_options()
    {
        WebApplicationBuilder builder = ServerHost.CreateBuilder();
        Assert.DoesNotContain(((IConfigurationRoot)builder.Configuration).Providers, p => p is FileConfigurationProvider || p.TryGet("PATH", out _));
        Assert.DoesNotContain(builder.Configuration.AsEnumerable(), setting => setting.Key.StartsWith("Kestrel", StringComparison.OrdinalIgnoreCase) || setting.Key == "urls");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
