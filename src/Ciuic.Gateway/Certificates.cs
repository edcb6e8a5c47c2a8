using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciuic.Core;

namespace Ciuic.Gateway;

/// <summary>The gateway's certificate.</summary>
internal static class Certificates
{
    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidInputException">A file cannot be read, or they do not belong together.</exception>
    public static X509Certificate2 Read(GatewayOptions options)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(options.CertificateFile, options.CertificateKeyFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidInputException(
                $"Ciuic:Gateway:CertificateFile: '{options.CertificateFile}' with '{options.CertificateKeyFile}' cannot be read: {error.Message}", error);
        }
    }
}
