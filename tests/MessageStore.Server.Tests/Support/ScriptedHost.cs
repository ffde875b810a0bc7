using System.Reflection;

namespace MessageStore.Server.Tests.Support;

/// <summary>A server whose store does what the test at hand says.</summary>
public sealed class ScriptedHost : IAsyncLifetime
{
    private SocketHost host = null!;

    /// <summary>Gets the member and its arguments, and returns what the member returns.</summary>
    public Func<MethodInfo, object?[], object?> Act { get; set; } = (_, _) => throw new NotSupportedException();

    public IMessageStore Client => host.Client;

    internal SocketHost Host => host;

    public async Task InitializeAsync() => host = await SocketHost.StartAsync(ScriptedStore.Create((method, arguments) => Act(method, arguments)));

    public async Task DisposeAsync() => await host.DisposeAsync();
}
