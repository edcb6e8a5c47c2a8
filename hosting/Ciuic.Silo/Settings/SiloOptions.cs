using System.ComponentModel.DataAnnotations;

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

    /// <summary>Port for other silos, on the loopback address.</summary>
    [Range(1, 65_535)]
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port for trainers and the CLI, on the loopback address.</summary>
    [Range(1, 65_535)]
    public int GatewayPort { get; set; } = 30000;

    /// <summary>How long a stopping silo lets its work come to an end.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Orleans would start with one port for both, and nobody could connect.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) => SiloPort == GatewayPort
        ? [new ValidationResult($"{GatewayPort} is the SiloPort too; the two must differ.", [nameof(GatewayPort)])]
        : [];
}
