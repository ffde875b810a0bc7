using System.Reflection;

namespace MessageStore.Remote;

/// <summary>A member with one result.</summary>
internal sealed class ResultMember<T>(MethodInfo method) : StoreMember(method)
{
    public override object Call(StoreConnection connection, object?[] arguments) => CallAsync(connection, arguments);

    public override async Task RunAsync(IMessageStore store, object?[] arguments, CallSender sender) =>
        await sender.SendAsync(WireKind.Result, await ((Task<T>)Invoke(store, arguments)).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task<T> CallAsync(StoreConnection connection, object?[] arguments)
    {
        using RemoteCall call = await connection.StartAsync(this, arguments, TokenIn(arguments)).ConfigureAwait(false);
        await call.ExpectAsync(WireKind.Result).ConfigureAwait(false);
        return call.Read<T>();
    }
}
