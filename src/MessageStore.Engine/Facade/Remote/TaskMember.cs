using System.Reflection;

namespace MessageStore.Remote;

/// <summary>A member without a result.</summary>
internal sealed class TaskMember(MethodInfo method) : StoreMember(method)
{
    public override object Call(StoreConnection connection, object?[] arguments) => CallAsync(connection, arguments);

    public override async Task RunAsync(IMessageStore store, object?[] arguments, CallSender sender)
    {
        await ((Task)Invoke(store, arguments)).ConfigureAwait(false);
        await sender.SendAsync(WireKind.Result, "null"u8.ToArray()).ConfigureAwait(false);
    }

    private async Task CallAsync(StoreConnection connection, object?[] arguments)
    {
        using RemoteCall call = await connection.StartAsync(this, arguments, TokenIn(arguments)).ConfigureAwait(false);
        await call.ExpectAsync(WireKind.Result).ConfigureAwait(false);
    }
}
