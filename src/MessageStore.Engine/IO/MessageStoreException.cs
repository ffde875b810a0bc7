namespace MessageStore;

/// <summary>What kind of trouble an error is; the cmdlets map it to an error category.</summary>
public enum ErrorKind
{
    InvalidArgument,
    NotFound,
    AlreadyExists,
    /// <summary>Somebody else holds it now; trying again later may succeed.</summary>
    Busy,
    /// <summary>Bytes on a disk are not what was written.</summary>
    Damaged,
    /// <summary>The device refused: full, read-only, vanished, failing.</summary>
    Device,
    Denied,
    NotSupported,
}

/// <summary>
/// An operating error: something that can go wrong on a good day. It names the thing, says what to do, and carries an
/// <see cref="ErrorId"/> that never changes once released, so that scripts can rely on it. Programmer errors are other exceptions.
/// </summary>
public sealed class MessageStoreException : Exception
{
    public MessageStoreException(string errorId, ErrorKind kind, string message, object? target = null, Exception? inner = null)
        : base(message, inner)
    {
        ErrorId = errorId;
        Kind = kind;
        Target = target;
    }

    /// <summary>One of <see cref="ErrorIds"/>.</summary>
    public string ErrorId { get; }

    public ErrorKind Kind { get; }

    /// <summary>The file, mailbox, message or backup the error is about.</summary>
    public object? Target { get; }

    /// <summary>Whether the same call may succeed later without anything being changed by hand.</summary>
    public bool IsTransient => Kind == ErrorKind.Busy;
}
