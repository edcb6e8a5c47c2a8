using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography.X509Certificates;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>What is set alike for every store that is spoken to over HTTP.</summary>
public abstract class HttpStoreSettings
{
    /// <summary>A PEM file of certificate authorities that are trusted instead of the machine's. Default none.</summary>
    public string CaFile { get; set; } = "";

    /// <summary>How long a connection may take. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a request may take until its answer is there, and one second more for each 16 KiB of its body, because dozens of
    /// uploads share a slow link. Default 1 minute.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long a body that is being read may stand still before the rest is asked for again. Nothing in HTTP ends such a wait.
    /// Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections to one server at most: as many chunks are on their way at once. Default 64.</summary>
    [Range(1, 1_024)]
    public int MaxConnections { get; set; } = 64;

    /// <summary>Whom to trust instead of the machine's authorities; null where no file is named.</summary>
    /// <param name="section">Where <see cref="CaFile"/> is set, for messages.</param>
    /// <exception cref="InvalidInputException">The file cannot be read, or holds no certificate.</exception>
    public X509ChainPolicy? TrustPolicy(string section) => TrustedAuthorities.Read(CaFile, $"{section}:{nameof(CaFile)}");
}
