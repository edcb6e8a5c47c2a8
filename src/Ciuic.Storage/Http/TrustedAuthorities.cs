using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>Certificate authorities that are trusted instead of the machine's.</summary>
public static class TrustedAuthorities
{
    /// <summary>Reads them.</summary>
    /// <param name="file">A PEM file; empty for the machine's authorities.</param>
    /// <param name="setting">Where it is set, for messages.</param>
    /// <returns>Null for the machine's authorities.</returns>
    /// <exception cref="InvalidInputException">The file cannot be read, or holds no certificate.</exception>
    public static X509ChainPolicy? Read(string file, string setting)
    {
        if (file.Length == 0)
            return null;
        try
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(file);
            return policy.CustomTrustStore.Count > 0
                ? policy
                : throw new InvalidInputException($"{setting}: '{file}' holds no certificate.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidInputException($"{setting}: '{file}' cannot be read: {error.Message}", error);
        }
    }
}
