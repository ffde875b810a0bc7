using System.Net;
using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace MessageStore.ObjectStorage;

/// <summary>A bucket of an S3-compatible object storage, and a prefix in it: the few operations that an archive needs. Thread-safe. Errors are the SDK's.</summary>
internal sealed class ObjectBucket : IDisposable
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    private const string NobodyElse = "*";

    private readonly AmazonS3Client client;
    private readonly string bucket;
    private readonly string prefix;

    /// <param name="settings">Which bucket.</param>
    /// <param name="credentials">Who we are.</param>
    /// <param name="retries">How often the SDK tries a request again that failed or was refused for now, with growing pauses.</param>
    /// <param name="timeout">How long to wait, where not a minute.</param>
    /// <param name="factory">Makes HTTP clients, where not the SDK's own.</param>
    public ObjectBucket(ObjectSettings settings, ObjectCredentials credentials, int retries = 4, TimeSpan? timeout = null, HttpClientFactory? factory = null)
    {
        Timeout = timeout ?? DefaultTimeout;
        bucket = settings.Bucket;
        prefix = settings.Prefix.Length == 0 || settings.Prefix.EndsWith('/') ? settings.Prefix : settings.Prefix + "/";
        var config = new AmazonS3Config
        {
            MaxErrorRetry = retries,
            RetryMode = RequestRetryMode.Standard,
            Timeout = Timeout,
            HttpClientFactory = factory,

            // Checksums of the SDK's newest kind are not known to every server; ours lie in the records, and the signature covers each body.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (settings.Endpoint is null) config.RegionEndpoint = RegionEndpoint.GetBySystemName(settings.Region);
        else (config.ServiceURL, config.ForcePathStyle, config.AuthenticationRegion) = (settings.Endpoint, true, settings.Region);
        client = new AmazonS3Client(credentials.Value, config);
        Place = $"s3://{bucket}/{prefix}";
    }

    /// <summary>How long a request may take until its answer begins, and a read of an answer until it goes on.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>What people call it.</summary>
    public string Place { get; }

    /// <summary>The bytes of an object from an offset on, as a stream.</summary>
    /// <param name="name">Name below the prefix.</param>
    /// <param name="offset">Where to begin.</param>
    /// <param name="length">How many bytes; <see langword="null"/> for all that follow.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<Stream> OpenAsync(string name, long offset, long? length, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = bucket, Key = prefix + name };
        if (offset > 0 || length is not null) request.ByteRange = length is { } count ? new ByteRange(offset, offset + count - 1) : new ByteRange($"bytes={offset}-");
        GetObjectResponse response = await client.GetObjectAsync(request, cancellationToken).ConfigureAwait(false);
        return response.ResponseStream;
    }

    /// <summary>Creates an object; one that is there already is an error (412).</summary>
    public Task PutAsync(string name, MemoryStream content, CancellationToken cancellationToken) => client.PutObjectAsync(
        new PutObjectRequest { BucketName = bucket, Key = prefix + name, InputStream = content, AutoCloseStream = false, UseChunkEncoding = false, IfNoneMatch = NobodyElse }, cancellationToken);

    public async Task<string> BeginUploadAsync(string name, CancellationToken cancellationToken)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = bucket, Key = prefix + name };
        return (await client.InitiateMultipartUploadAsync(request, cancellationToken).ConfigureAwait(false)).UploadId;
    }

    /// <returns>The part's tag, by which it is named when the upload is completed.</returns>
    public async Task<string> UploadPartAsync(string name, string upload, int number, MemoryStream content, CancellationToken cancellationToken)
    {
        var request = new UploadPartRequest
        {
            BucketName = bucket, Key = prefix + name, UploadId = upload, PartNumber = number, InputStream = content, PartSize = content.Length, UseChunkEncoding = false,
        };
        return (await client.UploadPartAsync(request, cancellationToken).ConfigureAwait(false)).ETag;
    }

    /// <summary>Makes the object of its parts; one that is there already is an error (412) on servers that know conditions here.</summary>
    public Task CompleteUploadAsync(string name, string upload, IEnumerable<string> tags, CancellationToken cancellationToken) => client.CompleteMultipartUploadAsync(
        new CompleteMultipartUploadRequest
        {
            BucketName = bucket, Key = prefix + name, UploadId = upload, PartETags = [.. tags.Select((t, i) => new PartETag(i + 1, t))], IfNoneMatch = NobodyElse,
        }, cancellationToken);

    public Task AbortUploadAsync(string name, string upload, CancellationToken cancellationToken) =>
        client.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = bucket, Key = prefix + name, UploadId = upload }, cancellationToken);

    /// <summary>Deletes an object. No error where there is none.</summary>
    public Task DeleteAsync(string name, CancellationToken cancellationToken) => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = bucket, Key = prefix + name }, cancellationToken);

    /// <summary>Names below the prefix and lengths of all objects of a folder, in ordinal order.</summary>
    public async IAsyncEnumerable<(string Name, long Length)> ListAsync(string folder, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = prefix + folder };
        while (true)
        {
            ListObjectsV2Response page = await client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
            foreach (S3Object found in page.S3Objects ?? []) yield return (found.Key[prefix.Length..], found.Size ?? 0);
            if (page.IsTruncated != true) yield break;
            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    /// <summary>Gives up uploads into a folder that nobody completed.</summary>
    public async Task AbortUploadsAsync(string folder, CancellationToken cancellationToken)
    {
        var request = new ListMultipartUploadsRequest { BucketName = bucket, Prefix = prefix + folder };
        while (true)
        {
            ListMultipartUploadsResponse page = await client.ListMultipartUploadsAsync(request, cancellationToken).ConfigureAwait(false);
            foreach (MultipartUpload upload in page.MultipartUploads ?? []) await AbortUploadAsync(upload.Key[prefix.Length..], upload.UploadId, cancellationToken).ConfigureAwait(false);
            if (page.IsTruncated != true) return;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
    }

    public void Dispose() => client.Dispose();
}
