using System.Text.Json.Serialization;
using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What a trainer says about a snapshot when it begins it.</summary>
[GenerateSerializer, Immutable, Alias("ciuic.SnapshotPlan")]
public sealed record SnapshotPlan
{
    /// <summary>Optimizer updates completed.</summary>
    [Id(0)]
    public required long Step { get; init; }

    /// <summary>Pass over the data, from 0.</summary>
    [Id(1)]
    public required long Epoch { get; init; }

    /// <summary>Samples of this epoch already trained on.</summary>
    [Id(2)]
    public required long NextSample { get; init; }

    /// <summary>Metrics by name; in JSON those that are no finite number are "NaN", "Infinity" and "-Infinity".</summary>
    [Id(3), JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public required Dictionary<string, double> Metrics { get; init; }

    /// <summary>Labels by name.</summary>
    [Id(4)]
    public required Dictionary<string, string> Labels { get; init; }

    /// <summary>Number of ranks that will contribute a shard.</summary>
    [Id(5)]
    public required int WorldSize { get; init; }

    /// <summary>The saving process.</summary>
    [Id(6)]
    public required TrainerIdentity Trainer { get; init; }

    /// <summary>The run's key, if every rank will sign its shard with it; null otherwise.</summary>
    [Id(7)]
    public VerifierKey? Signer { get; init; }

    /// <summary>
    /// Which save of its attempt it is, from 1, counted alike by all ranks: what they save under one number belongs together. 0 where
    /// one rank saves alone.
    /// </summary>
    [Id(8)]
    public long Save { get; init; }
}
