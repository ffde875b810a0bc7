using System.Management.Automation;

namespace MessageStore.PowerShell.Hosting;

/// <summary>
/// Errors as PowerShell shows them. The engine's <see cref="MessageStoreException.ErrorId"/> begins the
/// <c>FullyQualifiedErrorId</c>, so that scripts can compare it.
/// </summary>
internal static class ErrorRecords
{
    private const string UnexpectedId = "UnexpectedError";

    public static ErrorRecord From(MessageStoreException error, object? target = null) =>
        new(error, error.ErrorId, Category(error.Kind), error.Target ?? target)
        {
            ErrorDetails = new ErrorDetails(error.Message) { RecommendedAction = RecommendedActions.For(error.ErrorId) },
        };

    /// <summary>An exception that is no operating error: a fault in the program.</summary>
    public static ErrorRecord Unexpected(Exception error, object? target) => new(error, UnexpectedId, ErrorCategory.NotSpecified, target);

    public static ErrorRecord FromAny(Exception error, object? target) =>
        error is MessageStoreException known ? From(known, target) : Unexpected(error, target);

    private static ErrorCategory Category(ErrorKind kind) => kind switch
    {
        ErrorKind.InvalidArgument => ErrorCategory.InvalidArgument,
        ErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        ErrorKind.AlreadyExists => ErrorCategory.ResourceExists,
        ErrorKind.Busy => ErrorCategory.ResourceBusy,
        ErrorKind.Damaged => ErrorCategory.InvalidData,
        ErrorKind.Device => ErrorCategory.DeviceError,
        ErrorKind.Denied => ErrorCategory.PermissionDenied,
        ErrorKind.NotSupported => ErrorCategory.NotImplemented,
        _ => ErrorCategory.NotSpecified,
    };
}
