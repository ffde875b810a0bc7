using System.Net;

namespace MessageStore.Tests.ObjectStorage;

/// <summary>A server in memory that answers at a port on loopback, for whoever makes connections of their own.</summary>
internal sealed class ObjectListener : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly HttpMessageInvoker server;
    private readonly Task serving;

    public ObjectListener(FakeObjectServer server)
    {
        this.server = new HttpMessageInvoker(server);
        for (int attempt = 0; ; attempt++)
        {
            Endpoint = $"http://127.0.0.1:{Random.Shared.Next(20_000, 60_000)}";
            listener.Prefixes.Clear();
            listener.Prefixes.Add(Endpoint + "/");
            try
            {
                listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 20)
            {
                // Somebody else has the port.
            }
        }
        serving = ServeAsync();
    }

    public string Endpoint { get; }

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        await serving;
        listener.Close();
        server.Dispose();
    }

    private async Task ServeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            await AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.HttpMethod), context.Request.Url);
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        request.Content = new ByteArrayContent(body.ToArray());
        foreach (string? name in context.Request.Headers.AllKeys)
            if (!request.Headers.TryAddWithoutValidation(name!, context.Request.Headers[name])) request.Content.Headers.TryAddWithoutValidation(name!, context.Request.Headers[name]);
        using HttpResponseMessage answer = await server.SendAsync(request, CancellationToken.None);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach ((string name, IEnumerable<string> values) in answer.Headers.Concat(answer.Content.Headers))
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) context.Response.Headers[name] = string.Join(", ", values);
        byte[] bytes = await answer.Content.ReadAsByteArrayAsync();
        context.Response.ContentLength64 = bytes.Length;
        if (context.Request.HttpMethod != "HEAD") await context.Response.OutputStream.WriteAsync(bytes);
        context.Response.Close();
    }
}
