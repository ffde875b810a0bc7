using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MessageStore.Bench;

/// <summary>nginx with two workers on a free port, serving a folder.</summary>
internal sealed class NginxPeer : IDisposable
{
    private const string Program = "/usr/sbin/nginx";

    private readonly Process process;

    private NginxPeer(Process process, string url)
    {
        this.process = process;
        Url = url;
    }

    public string Url { get; }

    /// <returns><see langword="null"/> where nginx is not installed.</returns>
    public static NginxPeer? Start(string folder, string files)
    {
        if (!File.Exists(Program)) return null;
        folder = Directory.CreateDirectory(Path.Combine(Path.GetFullPath(folder), "nginx")).FullName;
        int port = FreePort();
        string configuration = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            daemon off;
            {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
            worker_processes 2;
            pid {{folder}}/pid;
            error_log {{folder}}/error.log;
            events { worker_connections 1024; }
            http {
              access_log off;
              sendfile on;
              tcp_nopush on;
              keepalive_requests 1000000000;
              open_file_cache max=100000;
              default_type message/rfc822;
              client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi; uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
              server { listen 127.0.0.1:{{port}}; root {{Path.GetFullPath(files)}}; }
            }

            """);
        Process process = Process.Start(Program, ["-c", configuration, "-p", folder, "-e", Path.Combine(folder, "error.log")]);
        for (int tries = 0; tries < 600 && !process.HasExited; tries++)
        {
            try
            {
                using var client = new TcpClient();
                client.Connect(IPAddress.Loopback, port);
                return new NginxPeer(process, $"http://127.0.0.1:{port}");
            }
            catch (SocketException)
            {
                Thread.Sleep(100); // not listening yet
            }
        }
        new NginxPeer(process, "").Dispose();
        throw new InvalidOperationException($"nginx does not start; see {folder}/error.log");
    }

    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
