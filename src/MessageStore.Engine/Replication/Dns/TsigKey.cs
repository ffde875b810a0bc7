using System.Text;
using System.Text.RegularExpressions;
using MessageStore.IO;

namespace MessageStore.Replication.Dns;

/// <summary>A key that signs messages to a name server and checks its answers (RFC 8945, HMAC-SHA256). Its secret is never shown.</summary>
internal sealed partial class TsigKey
{
    public const string AlgorithmName = "hmac-sha256";

    private const int LargestFile = 64 << 10;

    /// <summary>Fewest bytes of a secret; half the length of the digest, as RFC 2104 §3 has it at the least.</summary>
    private const int FewestBytes = 16;

    private readonly byte[] secret;

    public TsigKey(DnsName name, byte[] secret)
    {
        Name = name;
        this.secret = secret;
    }

    public DnsName Name { get; }

    internal ReadOnlySpan<byte> Secret => secret;

    /// <summary>Reads a key file as <c>tsig-keygen</c> writes it: <c>key "name" { algorithm hmac-sha256; secret "…"; };</c></summary>
    /// <exception cref="MessageStoreException">PathNotFound, AccessDenied, DeviceFailed; InvalidParameter where it holds no such key.</exception>
    public static TsigKey Load(IStorage storage, string path)
    {
        try
        {
            return Parse(Encoding.UTF8.GetString(AtomicFile.Read(storage, path, LargestFile)), path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MessageStoreException(ErrorIds.PathNotFound, ErrorKind.NotFound, $"There is no key file {path}. Make one with tsig-keygen.", path, error);
        }
        catch (Exception error) when (error is InvalidDataException)
        {
            throw Invalid(path, error.Message);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageErrors.Wrap(error, "reading the key file", path);
        }
    }

    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static TsigKey Parse(string text, string path)
    {
        Match match = KeyStatement().Match(text);
        if (!match.Success) throw Invalid(path, "it holds no statement 'key \"name\" { algorithm hmac-sha256; secret \"…\"; };'.");
        if (!match.Groups["algorithm"].Value.Equals(AlgorithmName, StringComparison.OrdinalIgnoreCase))
            throw Invalid(path, $"its algorithm is {match.Groups["algorithm"].Value}, and only {AlgorithmName} is supported.");
        Span<byte> secret = stackalloc byte[LargestSecret];
        if (!Convert.TryFromBase64String(match.Groups["secret"].Value, secret, out int count) || count < FewestBytes)
            throw Invalid(path, $"its secret is no base64 of {FewestBytes} to {LargestSecret} bytes.");
        return new TsigKey(DnsName.Parse(match.Groups["name"].Value), secret[..count].ToArray());
    }

    public override string ToString() => Name.ToString();

    private const int LargestSecret = 512;

    private static MessageStoreException Invalid(string path, string problem) =>
        new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"{path} is no key file for a name server: {problem}", path);

    [GeneratedRegex("""\bkey\s+"?(?<name>[^\s"{;]+)"?\s*\{\s*algorithm\s+"?(?<algorithm>[\w.-]+)"?\s*;\s*secret\s+"?(?<secret>[A-Za-z0-9+/=]+)"?\s*;\s*\}\s*;""", RegexOptions.NonBacktracking)]
    private static partial Regex KeyStatement();
}
