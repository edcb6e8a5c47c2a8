using System.ComponentModel.DataAnnotations;

namespace Ciuic.Grains;

/// <summary>Section <c>Ciuic:Scrub</c>: committed snapshots are read again in the background, because disks forget.</summary>
public sealed class ScrubOptions
{
    /// <summary>
    /// The part of all committed snapshots that is read each day, such as 0.01; 0 switches it off. At 0.01 a damage is found within about a
    /// hundred days, longer where the bucket grows meanwhile; chunks that snapshots share are read with each of them. Default 0.01.
    /// </summary>
    [Range(0.0, 1e6)]
    public double PerDay { get; set; } = 0.01;

    /// <summary>
    /// Plain bytes a second that one of the 64 scrubs reads at most, on average: reading must not take the store away from those who
    /// train. Default 16 MiB.
    /// </summary>
    [Range(1L, long.MaxValue)]
    public long MaxBytesPerSecond { get; set; } = 16L << 20;
}
