using System.Reflection;
using System.Runtime.CompilerServices;

namespace MessageStore.Remote;

/// <summary>A member whose results leave one by one; whoever stops taking them ends the call.</summary>
internal sealed class SequenceMember<T>(MethodInfo method) : StoreMember(method)
{
    public override object Call(StoreConnection connection, object?[] arguments) => CallAsync(connection, arguments, TokenIn(arguments));

    public override async Task RunAsync(IMessageStore store, object?[] arguments, CallSender sender)
    {
        await foreach (T item in ((IAsyncEnumerable<T>)Invoke(store, arguments)).ConfigureAwait(false))
        {
            sender.Stopped.ThrowIfCancellationRequested(); // left by its caller: the sequence ends here, whether or not it looks at its token
            await sender.SendAsync(WireKind.Item, item).ConfigureAwait(false);
        }
        await sender.SendAsync(WireKind.End, []).ConfigureAwait(false);
    }

    private async IAsyncEnumerable<T> CallAsync(StoreConnection connection, object?[] arguments, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RemoteCall call = await connection.StartAsync(this, arguments, cancellationToken).ConfigureAwait(false);
        await using (call.ConfigureAwait(false))
        {
            // Cancelling goes by way of the other end, which says when it has ended: the call was begun with the token.
            while (await call.NextAsync(WireKind.Item, WireKind.End, CancellationToken.None).ConfigureAwait(false) == WireKind.Item) yield return call.Read<T>();
        }
    }
}
