using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// The root manifest: names everything in a snapshot. Its bytes are written once and hashed as they are;
/// the SHA-256 is the snapshot's identity and stands in the ledger. See FORMAT.md.
/// </summary>
public sealed record Manifest
{
    /// <summary>The only format this code reads and writes.</summary>
    public const string CurrentFormat = "ciuic.dev/manifest/v1";

    /// <summary>Format and version.</summary>
    [JsonPropertyName("format"), JsonPropertyOrder(0)]
    public required string Format { get; init; }

    /// <summary>The run.</summary>
    [JsonPropertyName("run"), JsonPropertyOrder(1)]
    public required RunId Run { get; init; }

    /// <summary>The place in the run.</summary>
    [JsonPropertyName("sequence"), JsonPropertyOrder(2)]
    public required Sequence Sequence { get; init; }

    /// <summary>The snapshot this one was trained on from; null for the first of a chain.</summary>
    [JsonPropertyName("parent"), JsonPropertyOrder(3)]
    public SnapshotLink? Parent { get; init; }

    /// <summary>Optimizer updates completed.</summary>
    [JsonPropertyName("step"), JsonPropertyOrder(4)]
    public required long Step { get; init; }

    /// <summary>Pass over the data, from 0.</summary>
    [JsonPropertyName("epoch"), JsonPropertyOrder(5)]
    public required long Epoch { get; init; }

    /// <summary>Samples of this epoch already trained on: where the data loader goes on.</summary>
    [JsonPropertyName("next_sample"), JsonPropertyOrder(6)]
    public required long NextSample { get; init; }

    /// <summary>Metrics by name, such as <c>loss</c>; NaN and infinities are allowed and kept.</summary>
    [JsonPropertyName("metrics"), JsonPropertyOrder(7)]
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The user's labels.</summary>
    [JsonPropertyName("labels"), JsonPropertyOrder(8)]
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>Number of ranks that took part; there is one shard each.</summary>
    [JsonPropertyName("world_size"), JsonPropertyOrder(9)]
    public required int WorldSize { get; init; }

    /// <summary>The right under which it was written.</summary>
    [JsonPropertyName("token"), JsonPropertyOrder(10)]
    public required FencingToken Token { get; init; }

    /// <summary>When the save began, UTC.</summary>
    [JsonPropertyName("created_at"), JsonPropertyOrder(11)]
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Which process saved it.</summary>
    [JsonPropertyName("trainer"), JsonPropertyOrder(12)]
    public required TrainerIdentity Trainer { get; init; }

    /// <summary>The digest of each rank's shard manifest, by rank.</summary>
    [JsonPropertyName("shards"), JsonPropertyOrder(13)]
    public required IReadOnlyList<ShardDigest> Shards { get; init; }

    /// <summary>
    /// The run's key: every shard has a signature by it (see <see cref="ShardSignature"/>). Null where trainers do not sign.
    /// </summary>
    [JsonPropertyName("signer"), JsonPropertyOrder(14)]
    public VerifierKey? Signer { get; init; }

    /// <summary>The place in the chain.</summary>
    [JsonIgnore]
    public SnapshotId Id => new(Run, Sequence);
}
