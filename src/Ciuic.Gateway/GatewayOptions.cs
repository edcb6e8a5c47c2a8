using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Ciuic.Gateway;

/// <summary>Section <c>Ciuic:Gateway</c>: the HTTP API.</summary>
public sealed class GatewayOptions : IValidatableObject
{
    /// <summary>The IP address it listens on. Default 127.0.0.1; another one only with a certificate, because keys travel with requests.</summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Its port. Default 5000; 0: there is no HTTP API.</summary>
    [Range(0, 65_535)]
    public int Port { get; set; } = 5000;

    /// <summary>A PEM file with its certificate and those between it and the authority. Empty: no TLS.</summary>
    public string CertificateFile { get; set; } = "";

    /// <summary>A PEM file with the certificate's private key.</summary>
    public string CertificateKeyFile { get; set; } = "";

    /// <summary>Connections at once; a further one waits to be accepted. Default 1,000.</summary>
    [Range(1, 100_000)]
    public int MaxConnections { get; set; } = 1_000;

    /// <summary>
    /// Bytes of request and answer bodies in memory at once, 128 MiB or more: a chunk is taken in whole, because nothing is stored before it is
    /// checked. Whoever finds no room is told to come again. Default 512 MiB.
    /// </summary>
    [Range(128L << 20, long.MaxValue)]
    public long MaxBufferedBytes { get; set; } = 512L << 20;

    /// <summary>Requests a second of one key, on average; 0: as many as come. Default 2,000.</summary>
    [Range(0, 1_000_000)]
    public int RequestsPerSecond { get; set; } = 2_000;

    /// <summary>How long a key that was revoked may still be good. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan KeyRefresh { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Where a gateway on 127.0.0.1 leaves a key for programs of the same user, readable by nobody else. Empty: in
    /// <c>~/.local/state/ciuic</c>, one file for each port; <c>none</c>: nowhere.
    /// </summary>
    public string LocalKeyFile { get; set; } = "";

    /// <summary>Whether there is one.</summary>
    public bool IsOn => Port > 0;

    /// <summary>Whether requests are encrypted.</summary>
    public bool HasTls => CertificateFile.Length > 0;

    /// <summary>Where it answers.</summary>
    public string Url => $"{(HasTls ? "https" : "http")}://{(Address.Contains(':', StringComparison.Ordinal) ? $"[{Address}]" : Address)}:{Port}";

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IPAddress.TryParse(Address, out var address))
            yield return new ValidationResult($"'{Address}' is no IP address.", [nameof(Address)]);
        else if (!IPAddress.IsLoopback(address) && !HasTls)
            yield return new ValidationResult("Beyond this machine a certificate is needed: keys travel with requests.", [nameof(CertificateFile)]);
        if (HasTls != CertificateKeyFile.Length > 0)
            yield return new ValidationResult("A certificate and its key come together.", [nameof(CertificateKeyFile)]);
    }
}
