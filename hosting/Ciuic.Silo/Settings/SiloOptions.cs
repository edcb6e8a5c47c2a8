using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Ciuic.Silo;

/// <summary>Section <c>Ciuic:Silo</c>.</summary>
internal sealed class SiloOptions : IValidatableObject
{
    /// <summary>Names the cluster; silos and clients of other names do not talk to it.</summary>
    [Required]
    public string ClusterId { get; set; } = "ciuic";

    /// <summary>Part of every stored state's key: it must stay the same for the life of the database.</summary>
    [Required]
    public string ServiceId { get; set; } = "ciuic";

    /// <summary>
    /// The IP address that this silo listens on and is found at. Default 127.0.0.1; another one only with PostgreSQL and in a private
    /// network: whoever reaches its ports is trusted.
    /// </summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Port for other silos.</summary>
    [Range(1, 65_535)]
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port for trainers and the CLI.</summary>
    [Range(1, 65_535)]
    public int GatewayPort { get; set; } = 30000;

    /// <summary>How long a stopping silo lets its work come to an end.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Port of <see cref="Address"/> that answers GET /live, /startup and /ready, without TLS: who supervises the silo asks there. 0, the
    /// default: nobody does.
    /// </summary>
    [Range(0, 65_535)]
    public int HealthPort { get; set; }

    /// <summary>
    /// How long an answer of /ready stays good: however many ask, database, store and ledger are tried no more often. A try writes one
    /// small object, which some stores charge for. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan HealthInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long database, store and ledger may each take to answer; less than a prober waits, or it never learns what is wrong.
    /// Default 4 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan HealthTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Orleans would start with one port for both, and nobody could connect.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IPAddress.TryParse(Address, out var address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            yield return new ValidationResult($"'{Address}' is no IP address at which others find this silo.", [nameof(Address)]);
        if (SiloPort == GatewayPort)
            yield return new ValidationResult($"{GatewayPort} is the SiloPort too; the two must differ.", [nameof(GatewayPort)]);
        if (HealthPort == SiloPort || HealthPort == GatewayPort)
            yield return new ValidationResult($"{HealthPort} is the SiloPort or GatewayPort too; they must differ.", [nameof(HealthPort)]);
    }
}
