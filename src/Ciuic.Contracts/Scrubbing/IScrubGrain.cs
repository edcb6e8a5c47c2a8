using Ciuic.Core;
using Orleans.Concurrency;

namespace Ciuic.Contracts;

/// <summary>
/// Reads committed snapshots again in the background, some each day, and says which are damaged. One for each shelf of the catalogue, so
/// that they spread over the silos; its key is the shelf's.
/// </summary>
[Alias("ciuic.IScrubGrain")]
public interface IScrubGrain : IGrainWithIntegerKey
{
    /// <summary>Begins, or goes on where it was; a silo that starts calls it, and again changes nothing.</summary>
    [Alias("Start")]
    Task StartAsync();

    /// <summary>How far it is.</summary>
    [Alias("Describe"), AlwaysInterleave]
    Task<ScrubView> DescribeAsync();
}

/// <summary>What a scrub of one shelf says about itself.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.ScrubView")]
public sealed record ScrubView
{
    /// <summary>Times that it has been through all snapshots.</summary>
    [Id(0)]
    public required long Rounds { get; init; }

    /// <summary>Snapshots read, in all rounds.</summary>
    [Id(1)]
    public required long Snapshots { get; init; }

    /// <summary>Plain bytes of those.</summary>
    [Id(2)]
    public required long Bytes { get; init; }

    /// <summary>When the last one was read, UTC; null before the first.</summary>
    [Id(3)]
    public required DateTimeOffset? LastAt { get; init; }

    /// <summary>The newest findings, at most 100, oldest first.</summary>
    [Id(4)]
    public required ScrubFinding[] Findings { get; init; }
}

/// <summary>A committed snapshot that was found damaged.</summary>
/// <param name="Snapshot">Which one.</param>
/// <param name="What">What is wrong: names rank, tensor and chunk.</param>
/// <param name="At">When it was found, UTC.</param>
[GenerateSerializer, Immutable, Alias("ciuic.ScrubFinding")]
public sealed record ScrubFinding(string Snapshot, string What, DateTimeOffset At);
