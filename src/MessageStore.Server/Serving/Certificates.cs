using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MessageStore.Server.Serving;

/// <summary>Reads a certificate that the configuration names.</summary>
internal static class Certificates
{
    /// <param name="section">Where <c>Certificate</c> and <c>Key</c> are: PEM files; the key may be in the certificate's.</param>
    /// <returns><see langword="null"/> where none is named, or it cannot be read, which is said.</returns>
    public static X509Certificate2? Read(ConfigurationReader section)
    {
        string certificate = section.Text("Certificate", ""), key = section.Text("Key", "");
        if (certificate.Length == 0) return null;
        try
        {
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(certificate, key.Length > 0 ? key : null);
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null); // a PEM key lives in memory only, and not every platform's TLS takes such a one
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            section.Refuse("Certificate", $"is {certificate}, which cannot be read: {error.Message}");
            return null;
        }
    }
}
