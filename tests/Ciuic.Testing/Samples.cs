using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>Valid things to start from.</summary>
public static class Samples
{
    public static RunId Run { get; } = RunId.Parse("sample");

    public static DateTimeOffset Time { get; } = new(2026, 11, 24, 3, 39, 43, TimeSpan.Zero);

    public static TrainerIdentity Trainer { get; } = new() { Host = "node7", ProcessId = 42, Space = "", Agent = "test/1" };

    public static SnapshotLink LinkOf(Manifest manifest) => new()
    {
        Sequence = manifest.Sequence,
        Manifest = ManifestDigest.Of(ManifestCodec.Encode(manifest)),
    };

    public static Manifest Manifest(RunId run, long sequence, SnapshotLink? parent, params ShardDigest[] shards) => new()
    {
        Format = Core.Manifest.CurrentFormat,
        Run = run,
        Sequence = new Sequence(sequence),
        Parent = parent,
        Step = sequence * 10,
        Epoch = 1,
        NextSample = 3,
        Metrics = new SortedDictionary<string, double> { ["loss"] = 2.5, ["perplexity"] = double.PositiveInfinity },
        Labels = new SortedDictionary<string, string> { ["note"] = "\u00fcber <100 %>" },
        WorldSize = shards.Length,
        Token = new FencingToken(1),
        CreatedAt = Time,
        Trainer = Trainer,
        Shards = shards,
    };

    public static ShardManifest Shard(RunId run, long sequence, StagedShard staged, UploadedShard uploaded) =>
        new()
        {
            Format = ShardManifest.CurrentFormat,
            Run = run,
            Sequence = new Sequence(sequence),
            Rank = new Rank(0),
            Tensors = staged.Plan.Tensors,
            Bytes = staged.Plan.Bytes,
            Chunks = uploaded.Records,
            Bases = uploaded.Bases,
        };

    /// <summary>Two tensors, one byte item, two chunks.</summary>
    public static ShardManifest SmallShard() => new()
    {
        Format = ShardManifest.CurrentFormat,
        Run = Run,
        Sequence = new Sequence(7),
        Rank = new Rank(0),
        Tensors =
        [
            new TensorRecord { Item = "model", Name = "weight", DType = DType.Float32, Shape = [2, 3], Offset = 0, Length = 24 },
            new TensorRecord
            {
                Item = "model", Name = "slice", DType = DType.BFloat16, Shape = [4], GlobalShape = [16],
                GlobalOffset = [8], Offset = 24, Length = 8,
            },
        ],
        Bytes = [new ByteRecord { Item = "rng", Name = "cpu", Offset = 32, Length = 5 }],
        Chunks =
        [
            new ChunkRecord { Id = ChunkId.Of("one"u8), Length = 24 },
            new ChunkRecord { Id = ChunkId.Of("two"u8), Length = 13 },
        ],
    };

    /// <summary>The same, its first chunk stored as the difference to one that is a difference itself.</summary>
    public static ShardManifest DeltaShard() => SmallShard() with
    {
        Chunks =
        [
            new ChunkRecord { Id = ChunkId.Of("one"u8), Length = 24, Base = ChunkId.Of("base"u8) },
            new ChunkRecord { Id = ChunkId.Of("two"u8), Length = 13 },
        ],
        Bases =
        [
            new ChunkRecord { Id = ChunkId.Of("base"u8), Length = 24, Base = ChunkId.Of("whole"u8) },
            new ChunkRecord { Id = ChunkId.Of("whole"u8), Length = 24 },
        ],
    };

    public static LedgerRecord Record(long sequence) => new()
    {
        Kind = RecordKind.Snapshot,
        Run = Run,
        Sequence = new Sequence(sequence),
        Manifest = ManifestDigest.Of(BitConverter.GetBytes(sequence)),
        Step = sequence,
        Token = new FencingToken(1),
    };
}
