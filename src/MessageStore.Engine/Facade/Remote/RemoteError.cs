namespace MessageStore.Remote;

/// <summary>An operating error on its way through the socket.</summary>
internal sealed record RemoteError
{
    public required string ErrorId { get; init; }
    public required ErrorKind Kind { get; init; }
    public required string Message { get; init; }
    /// <summary>As it was where it is a plain value or a record of the engine, otherwise as text.</summary>
    public object? Target { get; init; }
    /// <summary>The operating error behind it.</summary>
    public RemoteError? Inner { get; init; }

    public static RemoteError From(MessageStoreException error) => new()
    {
        ErrorId = error.ErrorId,
        Kind = error.Kind,
        Message = error.Message,
        Target = error.Target is null || KnownTypes.Contains(error.Target.GetType()) ? error.Target : error.Target.ToString(),
        Inner = error.InnerException is MessageStoreException inner ? From(inner) : null,
    };

    public MessageStoreException ToException() => new(ErrorId, Kind, Message, Target, Inner?.ToException());
}
