using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Snapshots.Tests;

/// <summary>What ranks store of what they have alike.</summary>
public sealed class RankShareTests
{
    [Fact]
    public void Each_tensor_is_stored_by_one_rank_and_a_weight_lies_with_its_moments()
    {
        var items = Layers().Items;
        var shares = Enumerable.Range(0, 3).Select(r => RankShare.Of(items, new Rank(r), 3)).ToList();
        Assert.Single(shares.Select(s => s.Replicated).Distinct());
        var stored = shares.SelectMany((s, r) => s.Items.SelectMany(i => i.Tensors.Select(t => (t.Name, Rank: r)))).ToList();
        Assert.Equal(items.SelectMany(i => i.Tensors).Select(t => t.Name).Order(), stored.Select(t => t.Name).Order());
        for (var i = 0; i < 4; i++)
            Assert.Single(stored.Where(t => t.Name == $"layers.{i}.weight" || t.Name.StartsWith($"{i}.", StringComparison.Ordinal)).Select(t => t.Rank).Distinct());
    }

    [Fact]
    public void Ranks_whose_optimizers_have_stepped_other_weights_store_everything_or_do_not_agree()
    {
        var (items, steps) = Layers();
        var first = RankShare.Of(items, new Rank(0), 2);
        var disagreements = 0;
        for (var stepped = 0; stepped < 1 << steps.Count; stepped++)
        {
            IReadOnlyList<ItemState> others = [items[0], items[1] with { Steps = [.. steps.Where((_, i) => (stepped >> i & 1) != 0)] }];
            var second = RankShare.Of(others, new Rank(1), 2);
            var stored = first.Items.Concat(second.Items).SelectMany(i => i.Tensors).Select(t => t.Name).Order();
            var isWhole = stored.SequenceEqual(items.SelectMany(i => i.Tensors).Select(t => t.Name).Order());
            Assert.True(isWhole || first.Replicated != second.Replicated, $"{stepped:b}: a tensor is stored by nobody or twice, and they agree");
            disagreements += isWhole ? 0 : 1;
        }

        Assert.InRange(disagreements, 1, (1 << steps.Count) - 2);
    }

    [Fact]
    public void The_first_rank_stores_what_its_values_count_for()
    {
        var buffer = new FirstRankTensor("running_mean");
        IReadOnlyList<ItemState> items = [new ItemState("model", [ArrayTensor.Random("w", 1_000, 1), buffer, ArrayTensor.Random("v", 10, 2)], [], [])];
        for (var rank = 0; rank < 3; rank++)
            Assert.Equal(rank == 0, RankShare.Of(items, new Rank(rank), 3).Items[0].Tensors.Contains(buffer));
    }

    [Fact]
    public void Ranks_say_alike_what_they_hold_whoever_stores_it_and_a_flipped_bit_is_another_fingerprint()
    {
        var first = Fingerprints(0, 1);
        Assert.Equal(first, Fingerprints(1, 1));
        Assert.Equal(first, Fingerprints(1, 1, willStage: false));
        var other = Fingerprints(1, 2); // the buffer is another one, which counts for nothing
        Assert.Equal(first, other);
        var flipped = Fingerprints(1, 1, flips: true);
        Assert.Equal(1, Enumerable.Range(0, first.Length / 16).Count(i => !first.AsSpan(16 * i, 16).SequenceEqual(flipped.AsSpan(16 * i, 16))));

        static byte[] Fingerprints(int rank, byte buffer, bool willStage = true, bool flips = false)
        {
            var large = ArrayTensor.Random("large", 700_000, 3); // several pieces, the last one short
            if (flips)
                large.Content[^1] ^= 1;
            TensorSource[] tensors =
            [
                large, ArrayTensor.Random("small", 3, 4), ArrayTensor.Random("none", 0, 5), new FirstRankTensor("running_mean", buffer),
            ];
            var share = RankShare.Of([new ItemState("model", tensors, [], [])], new Rank(rank), 2);
            var fingerprints = RankFingerprints.Begin(share, willStage)!;
            if (willStage)
            {
                using var buffers = new StagingBuffers(1 << 30);
                fingerprints.Complete(StagedShard.Stage(buffers, StagingPlan.Of(share.Items, 1 << 20)));
            }

            return fingerprints.Bytes;
        }
    }

    [Fact]
    public void Everybody_reads_tensors_in_the_order_in_which_they_were_saved() => Orders.Sample(given =>
    {
        var (names, sizes, worldSize) = given;
        var shards = Enumerable.Range(0, worldSize).Select(rank => Shard(names, sizes, rank, worldSize)).ToList();
        foreach (var reader in Enumerable.Range(-1, worldSize + 2))
        {
            var index = new SnapshotIndex(shards, reader < 0 ? null : new Rank(reader));
            foreach (var item in new[] { "model", "more" })
                Assert.Equal(names, index.Tensors.Where(t => t.Item == item).Select(t => t.Name));
        }

        var old = shards.Select(s => s with { Tensors = [.. s.Tensors.Select(t => t with { Order = null })] }).ToList();
        var seen = Enumerable.Range(-1, worldSize + 2)
            .Select(r => string.Join(' ', new SnapshotIndex(old, r < 0 ? null : new Rank(r)).Tensors.Select(t => t.Item + "/" + t.Name)));
        Assert.Single(seen.Distinct());
    });

    /// <summary>Names in any order, some of them slices (which begin with s), some without elements.</summary>
    private static readonly Gen<(string[] Names, int[] Sizes, int WorldSize)> Orders =
        from count in Gen.Int[1, 12]
        from names in Gen.Shuffle(Enumerable.Range(0, count).Select(i => i % 3 == 0 ? $"s{i}" : $"t{i}").ToArray())
        from sizes in Gen.Int[0, 3].Array[count]
        from worldSize in Gen.Int[1, 4]
        select (names, sizes, worldSize);

    private static ShardManifest Shard(string[] names, int[] sizes, int rank, int worldSize)
    {
        var tensors = names.Select((n, i) => n[0] == 's'
            ? new SlicedTensor(n, TensorSlice.OfRows([sizes[i]], rank, worldSize))
            : (TensorSource)ArrayTensor.Random(n, sizes[i], i)).ToList();
        var share = RankShare.Of([new ItemState("model", tensors, [], []), new ItemState("more", tensors, [], [])], new Rank(rank), worldSize);
        return Samples.SmallShard() with { Rank = new Rank(rank), Tensors = StagingPlan.Of(share.Items, 1 << 20).Tensors, Bytes = [], Chunks = [] };
    }

    private sealed class FirstRankTensor(string name, byte value = 0) : TensorSource
    {
        public override string Name => name;

        public override DType DType => DType.UInt8;

        public override IReadOnlyList<long> Shape => [5];

        public override bool IsOfFirstRank => true;

        public override void CopyTo(long offset, Span<byte> destination) => destination.Fill(value);
    }

    private sealed class SlicedTensor(string name, TensorSlice slice) : TensorSource
    {
        public override string Name => name;

        public override DType DType => DType.UInt8;

        public override IReadOnlyList<long> Shape => slice.Box.Shape;

        public override TensorSlice? Slice => slice;

        public override void CopyTo(long offset, Span<byte> destination) => destination.Clear();
    }

    private static (IReadOnlyList<ItemState> Items, IReadOnlyList<AdamStep> Steps) Layers()
    {
        var items = AdamTensors.Items(Enumerable.Range(0, 4).Select(i => new AdamTensors(i, 4 + i, 8)).ToArray());
        return (items, items[1].Steps);
    }
}
