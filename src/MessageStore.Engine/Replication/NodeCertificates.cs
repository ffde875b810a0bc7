using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Replication;

/// <summary>Certificates in files: those that a node or a caller shows, and the authority that theirs must be signed by.</summary>
internal static class NodeCertificates
{
    /// <summary>Reads a certificate with its key: PKCS #12, or a PEM file that holds both.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static X509Certificate2 LoadWithKey(string path)
    {
        try
        {
            if (!path.EndsWith(".pem", StringComparison.OrdinalIgnoreCase)) return X509CertificateLoader.LoadPkcs12FromFile(path, null);
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(path);
            // A PEM key lives in memory only; a round trip gives it a form that every platform's TLS takes.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Unusable(path, error);
        }
    }

    /// <summary>Reads the certificate of an authority, PEM or DER.</summary>
    /// <exception cref="MessageStoreException">InvalidParameter.</exception>
    public static X509Certificate2 LoadAuthority(string path)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Unusable(path, error);
        }
    }

    /// <summary>Whether a certificate that somebody shows is signed by the authority, valid today and not meant for something else.</summary>
    public static bool IsSignedBy(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using X509Chain chain = new() { ChainPolicy = PolicyOf(authority) };
        return chain.Build(certificate);
    }

    /// <summary>Trust in one authority and no other.</summary>
    public static X509ChainPolicy PolicyOf(X509Certificate2 authority) => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck,
    };

    private static MessageStoreException Unusable(string path, Exception error) =>
        new(ErrorIds.InvalidParameter, ErrorKind.InvalidArgument, $"The certificate {path} cannot be used: {error.Message}", path, error);
}
