using System.Net;
using Amazon.Runtime;
using MessageStore.Archiving;

namespace MessageStore.ObjectStorage;

/// <summary>Errors of object storage in words that name the bucket. What a server says is shown by its code and message only: requests carry credentials.</summary>
internal static class ObjectErrors
{
    /// <summary>Whether an error comes from the service or the way to it, and is not ours yet.</summary>
    /// <param name="error">The error.</param>
    /// <param name="cancellationToken">The caller's: a request that the caller ended did not fail.</param>
    public static bool IsService(Exception error, CancellationToken cancellationToken) => error switch
    {
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        MessageStoreException => false,
        _ => error is AmazonServiceException or AmazonClientException or HttpRequestException or WebException or IOException or TimeoutException,
    };

    public static bool IsMissing(Exception error) => error is AmazonServiceException { StatusCode: HttpStatusCode.NotFound, ErrorCode: not "NoSuchBucket" };

    public static MessageStoreException Wrap(Exception error, string what, string place) => error is MessageStoreException own ? own
        : ArchiveErrors.Unavailable(place, $"{what} failed: {Describe(error)}", error is AmazonServiceException or AmazonClientException ? null : error);

    private static string Describe(Exception error) => error switch
    {
        AmazonServiceException { StatusCode: > 0 } service => $"the server answered {(int)service.StatusCode} {service.ErrorCode}: {service.Message}",
        OperationCanceledException or TimeoutException => "the server did not answer in time.",
        _ => error.Message,
    };
}
