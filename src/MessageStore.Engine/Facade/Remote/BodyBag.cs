using MessageStore.Messages;

namespace MessageStore.Remote;

/// <summary>
/// The bodies of one call, in the order in which its arguments name them. JSON holds a body's number only; the bytes travel in parcels of their own.
/// </summary>
internal sealed class BodyBag : IDisposable
{
    // Converters know nothing of the call they work for, but they work without interruption on the thread that called the serializer.
    [ThreadStatic]
    private static BodyBag? current;

    private readonly List<MessageBody> bodies = [];

    public IReadOnlyList<MessageBody> Bodies => bodies;

    /// <summary>The bag of the call whose arguments this thread is converting.</summary>
    public static BodyBag Current => current ?? throw new NotSupportedException("A message body can only be an argument.");

    /// <returns>The body's number.</returns>
    public int Add(MessageBody body)
    {
        bodies.Add(body);
        return bodies.Count - 1;
    }

    public void While(Action convert)
    {
        BodyBag? before = current;
        current = this;
        try
        {
            convert();
        }
        finally
        {
            current = before;
        }
    }

    /// <summary>Disposes the bodies; only whoever received them does.</summary>
    public void Dispose()
    {
        foreach (MessageBody body in bodies) body.Dispose();
    }
}
