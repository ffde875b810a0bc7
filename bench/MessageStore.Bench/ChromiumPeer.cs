using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MessageStore.Bench;

/// <summary>The system's Chromium, without a window, spoken to by its DevTools protocol: one call at a time, events passed over.</summary>
internal sealed class ChromiumPeer : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium";
    private const string Announces = "DevTools listening on ";

    private readonly Process process;
    private readonly string profile;
    private readonly ClientWebSocket socket = new();
    private readonly byte[] buffer = new byte[1 << 16];
    private int calls;

    private ChromiumPeer(Process process, string profile)
    {
        this.process = process;
        this.profile = profile;
    }

    /// <returns><see langword="null"/> where Chromium is not installed.</returns>
    public static async Task<ChromiumPeer?> StartAsync(string folder)
    {
        if (!File.Exists(Program)) return null;
        string profile = Path.Combine(Path.GetFullPath(folder), $"chromium-{Environment.ProcessId}");
        var start = new ProcessStartInfo(Program,
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
            "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank",
        ]) { RedirectStandardError = true };
        var peer = new ChromiumPeer(Process.Start(start)!, profile);
        while (await peer.process.StandardError.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            if (!line.StartsWith(Announces, StringComparison.Ordinal)) continue;
            _ = peer.process.StandardError.BaseStream.CopyToAsync(Stream.Null);
            await peer.socket.ConnectAsync(new Uri(line[Announces.Length..]), CancellationToken.None).ConfigureAwait(false);
            return peer;
        }
        throw new InvalidOperationException("Chromium does not start.");
    }

    /// <exception cref="InvalidOperationException">The browser refused.</exception>
    public async Task<JsonObject> CallAsync(string method, JsonObject? parameters = null, string? session = null)
    {
        int id = ++calls;
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        if (session is not null) call["sessionId"] = session;
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(call), WebSocketMessageType.Text, true, CancellationToken.None).ConfigureAwait(false);
        while (true)
        {
            JsonNode answer = await ReceiveAsync().ConfigureAwait(false);
            if ((int?)answer["id"] != id) continue;
            return answer["result"] as JsonObject ?? throw new InvalidOperationException($"{method}: {answer["error"]?.ToJsonString()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CallAsync("Browser.close").ConfigureAwait(false);
        socket.Dispose();
        await process.WaitForExitAsync().ConfigureAwait(false);
        process.Dispose();
        Directory.Delete(profile, recursive: true);
    }

    private async Task<JsonNode> ReceiveAsync()
    {
        using var message = new MemoryStream();
        while (true)
        {
            ValueWebSocketReceiveResult part = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).ConfigureAwait(false);
            if (part.MessageType == WebSocketMessageType.Close) throw new IOException("Chromium has hung up.");
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonNode.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))!;
        }
    }
}
