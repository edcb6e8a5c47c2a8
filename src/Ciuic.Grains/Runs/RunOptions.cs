using System.ComponentModel.DataAnnotations;

namespace Ciuic.Grains;

/// <summary>Section <c>Ciuic:Runs</c>.</summary>
public sealed class RunOptions
{
    /// <summary>
    /// How long a silent attempt keeps its run: long enough for a garbage collection or a silo's restart, short
    /// enough to wait for when a machine has died. 5 seconds to 1 hour.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:05", "01:00:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(30);
}
