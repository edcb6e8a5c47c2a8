using System.Text.Json.Serialization;

namespace Ciuic.Core;

/// <summary>
/// What one rank contributes to one snapshot. The shard is one row of bytes, cut into chunks; every tensor
/// and byte item is a stretch of it, in order, without overlap or gap. See FORMAT.md.
/// </summary>
public sealed record ShardManifest
{
    /// <summary>The only format this code reads and writes.</summary>
    public const string CurrentFormat = "ciuic.dev/shard/v1";

    /// <summary>Format and version.</summary>
    [JsonPropertyName("format"), JsonPropertyOrder(0)]
    public required string Format { get; init; }

    /// <summary>The run.</summary>
    [JsonPropertyName("run"), JsonPropertyOrder(1)]
    public required RunId Run { get; init; }

    /// <summary>The snapshot within the run.</summary>
    [JsonPropertyName("sequence"), JsonPropertyOrder(2)]
    public required Sequence Sequence { get; init; }

    /// <summary>The rank whose state this is.</summary>
    [JsonPropertyName("rank"), JsonPropertyOrder(3)]
    public required Rank Rank { get; init; }

    /// <summary>Every tensor, in the order of its bytes.</summary>
    [JsonPropertyName("tensors"), JsonPropertyOrder(4)]
    public required IReadOnlyList<TensorRecord> Tensors { get; init; }

    /// <summary>Every byte item, in the order of its bytes, behind the tensors.</summary>
    [JsonPropertyName("bytes"), JsonPropertyOrder(5)]
    public required IReadOnlyList<ByteRecord> Bytes { get; init; }

    /// <summary>The chunks, in the order of their bytes.</summary>
    [JsonPropertyName("chunks"), JsonPropertyOrder(6)]
    public required IReadOnlyList<ChunkRecord> Chunks { get; init; }

    /// <summary>
    /// Other chunks that are needed to read these: their bases, the bases of those, and so on. Each once. Null where there
    /// are none.
    /// </summary>
    [JsonPropertyName("bases"), JsonPropertyOrder(7)]
    public IReadOnlyList<ChunkRecord>? Bases { get; init; }

    /// <summary>
    /// SHA-256 of the list of tensors that all ranks have alike, of which each rank stores some (see FORMAT.md). Null where one rank
    /// saves alone.
    /// </summary>
    [JsonPropertyName("replicated"), JsonPropertyOrder(8)]
    public Digest? Replicated { get; init; }

    /// <summary>
    /// Items whose whole tensors are each rank's own, in ordinal order: those of others are alike on all ranks. Null where there are none,
    /// and in what earlier versions wrote.
    /// </summary>
    [JsonPropertyName("own"), JsonPropertyOrder(9)]
    public IReadOnlyList<string>? Own { get; init; }

    /// <summary>
    /// What this rank held of the tensors that all ranks have alike, whoever stores them, in the order of their list, and then of its
    /// slices: <see cref="ReplicaRules.FingerprintBytes"/> each (see FORMAT.md). Ranks that held different values have saved nothing. Null
    /// where one rank saves alone, and in what earlier versions wrote.
    /// </summary>
    [JsonPropertyName("fingerprints"), JsonPropertyOrder(10)]
    public byte[]? Fingerprints { get; init; }

    /// <summary>Item and name of all tensors and byte items, in the order of their bytes.</summary>
    [JsonIgnore]
    public IEnumerable<(string Item, string Name)> Parts =>
        Tensors.Select(t => (t.Item, t.Name)).Concat(Bytes.Select(b => (b.Item, b.Name)));

    /// <summary>Plain bytes of the whole shard.</summary>
    [JsonIgnore]
    public long Length => Chunks.Sum(c => (long)c.Length);
}
