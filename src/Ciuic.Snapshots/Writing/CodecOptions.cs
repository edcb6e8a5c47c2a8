using System.ComponentModel.DataAnnotations;
using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>How chunks are stored.</summary>
public enum CodecMode
{
    /// <summary>
    /// From the snapshot before where that saves enough: as the difference to it, or to what a step of Adam would make of it.
    /// Else in planes.
    /// </summary>
    Delta = 1,

    /// <summary>In byte planes; every snapshot stands on its own.</summary>
    Planes,

    /// <summary>As they are: for a store that is faster than the processor.</summary>
    Raw,

    /// <summary>Whichever of these serves what <see cref="CodecOptions.Prefer"/> says.</summary>
    Auto,
}

/// <summary>What comes first where the mode is <see cref="CodecMode.Auto"/>.</summary>
public enum CodecPreference
{
    /// <summary>The fewest bytes: saves go on beside training, and what they store is paid for every month.</summary>
    Bytes = 1,

    /// <summary>The least time until a save is stored, as measured save by save.</summary>
    Time,
}

/// <summary>Section <c>Ciuic:Codec</c>: how the bytes of snapshots are made smaller. Whatever it says, they come back as they were.</summary>
public sealed class CodecOptions
{
    /// <summary>Default <see cref="CodecMode.Auto"/>.</summary>
    [EnumDataType(typeof(CodecMode))]
    public CodecMode Mode { get; set; } = CodecMode.Auto;

    /// <summary>What <see cref="CodecMode.Auto"/> is for. Default <see cref="CodecPreference.Bytes"/>.</summary>
    [EnumDataType(typeof(CodecPreference))]
    public CodecPreference Prefer { get; set; } = CodecPreference.Bytes;

    /// <summary>
    /// Differences that may lie between a chunk and one that is stored whole, 0 to 64: each of them is read and decoded by a
    /// restore. Default 8.
    /// </summary>
    [Range(0, ManifestLimits.MaxDeltaChain)]
    public int MaxChain { get; set; } = 8;

    /// <summary>
    /// Every how many snapshots one is stored without differences, 1 or more: what is damaged in an older one does not
    /// reach beyond it. Default 8.
    /// </summary>
    [Range(1, 1_000_000)]
    public int FullEvery { get; set; } = 8;

    /// <summary>
    /// The least part of a chunk's stored bytes that a difference must save, 0 to 1; below it a restore's extra work is not
    /// worth it. Default 0.05.
    /// </summary>
    [Range(0.0, 1.0)]
    public double MinDeltaGain { get; set; } = 0.05;
}
