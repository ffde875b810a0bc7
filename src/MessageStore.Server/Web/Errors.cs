namespace MessageStore.Server.Web;

/// <summary>Operating errors as an API says them: problem details (RFC 9457) with the stable ErrorId as their type.</summary>
internal static class Errors
{
    public static async Task CatchAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (MessageStoreException error) when (!context.Response.HasStarted)
        {
            await Results.Problem(error.Message, statusCode: StatusOf(error), title: error.ErrorId, type: $"urn:messagestore:{error.ErrorId}").ExecuteAsync(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The browser went on to something else.
        }
    }

    private static int StatusOf(MessageStoreException error) => error.Kind switch
    {
        ErrorKind.InvalidArgument => StatusCodes.Status400BadRequest,
        ErrorKind.Denied => StatusCodes.Status403Forbidden,
        ErrorKind.NotFound => StatusCodes.Status404NotFound,
        ErrorKind.AlreadyExists or ErrorKind.Busy => StatusCodes.Status409Conflict,
        ErrorKind.Device => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
