using System.Net;
using System.Security;
using System.Text;
using Amazon.Runtime;
using MessageStore.IO;

namespace MessageStore.ObjectStorage;

/// <summary>Who we are to the object storage: from the environment, from a file, or given as a secret. Never shown, and never in <c>database.json</c>.</summary>
internal sealed class ObjectCredentials
{
    private const string AccessKeyName = "aws_access_key_id";
    private const string SecretKeyName = "aws_secret_access_key";
    private const string SessionTokenName = "aws_session_token";
    private const int LargestFile = 64 << 10;

    private ObjectCredentials(AWSCredentials value) => Value = value;

    internal AWSCredentials Value { get; }

    /// <summary>A pair that somebody typed in.</summary>
    public static ObjectCredentials FromSecret(string accessKey, SecureString secret) => new(new BasicAWSCredentials(accessKey, new NetworkCredential("", secret).Password));

    /// <summary>From the file where one is named, otherwise from <c>AWS_ACCESS_KEY_ID</c>, <c>AWS_SECRET_ACCESS_KEY</c> and <c>AWS_SESSION_TOKEN</c>.</summary>
    /// <param name="file">Full path of a file in the form of <c>~/.aws/credentials</c>; its first section counts.</param>
    /// <param name="storage">Where the file lies.</param>
    /// <param name="environment">The environment.</param>
    /// <exception cref="MessageStoreException">PathNotFound, AccessDenied, DeviceFailed; InvalidParameter where there are none.</exception>
    public static ObjectCredentials Load(string? file, IStorage storage, Func<string, string?> environment)
    {
        if (file is not null) return FromFile(file, storage);
        (string? accessKey, string? secret) = (environment(AccessKeyName.ToUpperInvariant()), environment(SecretKeyName.ToUpperInvariant()));
        if (string.IsNullOrEmpty(accessKey) || string.IsNullOrEmpty(secret))
            throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument,
                $"There are no credentials for the object storage: set {AccessKeyName.ToUpperInvariant()} and {SecretKeyName.ToUpperInvariant()}, or name a file that holds them.");
        return Make(accessKey, secret, environment(SessionTokenName.ToUpperInvariant()));
    }

    public override string ToString() => "(secret)";

    private static ObjectCredentials FromFile(string file, IStorage storage)
    {
        try
        {
            var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            int sections = 0;
            foreach (string line in Encoding.UTF8.GetString(AtomicFile.Read(storage, file, LargestFile)).Split('\n').Select(l => l.Trim()))
            {
                if (line.StartsWith('[') && ++sections > 1) break;
                if (line.Split('=', 2) is [var key, var value] && !line.StartsWith('#')) values[key.Trim()] = value.Trim();
            }
            if (!values.TryGetValue(AccessKeyName, out string? accessKey) || !values.TryGetValue(SecretKeyName, out string? secret))
                throw new MessageStoreException(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{file} holds no lines '{AccessKeyName} = …' and '{SecretKeyName} = …'.", file);
            return Make(accessKey, secret, values.GetValueOrDefault(SessionTokenName));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no file {file} with credentials for the object storage.", file, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw StorageErrors.Wrap(error, "reading the credentials", file);
        }
    }

    private static ObjectCredentials Make(string accessKey, string secret, string? token) =>
        new(string.IsNullOrEmpty(token) ? new BasicAWSCredentials(accessKey, secret) : new SessionAWSCredentials(accessKey, secret, token));
}
