using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

/// <summary>Boxes of tensors, shares of ranks, and what must hold between shards.</summary>
public sealed class RankTests
{
    /// <summary>Extents of a whole, and two boxes within it.</summary>
    private static readonly Gen<(long[] Whole, TensorBox A, TensorBox B)> Boxes =
        from whole in Gen.Long[0, 5].Array[0, 4]
        from a in BoxIn(whole)
        from b in BoxIn(whole)
        select (whole, a, b);

    [Fact]
    public void Runs_copy_exactly_the_elements_that_both_boxes_have() => Boxes.Sample(given =>
    {
        var (whole, from, to) = given;
        var all = Enumerable.Range(0, (int)TensorBox.Whole(whole).Count).ToArray();
        var source = Cut(all, whole, from);
        var target = Enumerable.Repeat(-1, (int)to.Count).ToArray();
        var last = (From: -1L, To: -1L);
        foreach (var run in from.RunsTo(to))
        {
            Assert.True(run.Count > 0 && run.From > last.From && run.To > last.To);
            last = (run.From + run.Count - 1, run.To + run.Count - 1);
            source.AsSpan((int)run.From, (int)run.Count).CopyTo(target.AsSpan((int)run.To));
        }

        var expected = Cut(all, whole, to).Select(e => source.Contains(e) ? e : -1);
        Assert.Equal(expected, target);
    });

    [Fact]
    public void A_stretch_reaches_from_the_first_to_the_last_common_element() => Boxes.Sample(given =>
    {
        var (_, a, b) = given;
        if (a.Intersect(b) is not { } common)
        {
            Assert.Empty(a.RunsTo(b));
            return;
        }

        var runs = a.RunsTo(b).ToList();
        Assert.Equal((runs[0].From, runs[^1].From + runs[^1].Count), a.StretchOf(common));
        Assert.Equal(common.Count, runs.Sum(r => r.Count));
    });

    [Fact]
    public void Rows_are_dealt_out_without_gap_and_nearly_evenly() => Gen.Select(Gen.Long[0, 50], Gen.Int[1, 12]).Sample((rows, ranks) =>
    {
        var slices = Enumerable.Range(0, ranks).Select(r => TensorSlice.OfRows([rows, 3], r, ranks).Box).ToList();
        var at = 0L;
        foreach (var box in slices)
        {
            Assert.Equal((at, 0L, 3L), (box.Offset[0], box.Offset[1], box.Shape[1]));
            at += box.Shape[0];
        }

        Assert.Equal(rows, at);
        Assert.True(slices.Max(b => b.Shape[0]) - slices.Min(b => b.Shape[0]) <= 1);
    });

    [Fact]
    public void Groups_are_dealt_out_nearly_evenly()
    {
        var bytes = Enumerable.Range(1, 100).Select(i => (long)i * 1_000).ToArray();
        var owners = ReplicatedTensors.Deal(bytes, 4);
        var loads = Enumerable.Range(0, 4).Select(r => bytes.Where((_, g) => owners[g] == r).Sum()).ToList();
        Assert.Equal(bytes.Sum(), loads.Sum());
        Assert.InRange(loads.Max() - loads.Min(), 0, 100_000);
        Assert.Equal(owners, ReplicatedTensors.Deal(bytes, 4));
    }

    [Fact]
    public void A_shard_of_two_has_the_bytes_of_the_golden_file()
    {
        var digest = ReplicatedTensors.DigestOf(
        [
            new ReplicatedTensor("optimizer", "0.exp_avg", DType.Float32, [2, 3]),
            new ReplicatedTensor("model", "\u00fcber", DType.BFloat16, []),
            new ReplicatedTensor("model", "weight", DType.Float32, [2, 3]),
        ]);
        Golden.Check("shard-of-two.golden", ManifestCodec.Encode(Samples.SmallShard() with { Rank = new Rank(1), Replicated = digest }));
    }

    [Fact]
    public void Who_stores_what_is_part_of_the_digest()
    {
        Golden.Check(
            "shard-of-two-dealt.golden", ManifestCodec.Encode(Samples.SmallShard() with { Rank = new Rank(1), Replicated = Dealt(0, 1) }));
        Assert.NotEqual(Dealt(0, 1), Dealt(1, 0));

        static Digest Dealt(params int[] owners) => ReplicatedTensors.DigestOf(
        [
            new ReplicatedTensor("optimizer", "0.exp_avg", DType.Float32, [2, 3], owners[0]),
            new ReplicatedTensor("model", "weight", DType.Float32, [2, 3], owners[1]),
        ]);
    }

    [Fact]
    public void What_a_rank_held_and_in_which_order_is_in_the_golden_file()
    {
        var small = Samples.SmallShard();
        var shard = small with
        {
            Rank = new Rank(1),
            Tensors = [small.Tensors[0] with { Order = 3 }, small.Tensors[1] with { Order = 4 }],
            Replicated = Digest.Of("list"u8),
            Own = ["rng"],
            Fingerprints = [.. Enumerable.Range(1, 3 * ReplicaRules.FingerprintBytes).Select(i => (byte)i)],
        };
        Golden.Check("shard-of-two-compared.golden", ManifestCodec.Encode(shard));
        var read = ManifestCodec.DecodeShard(Golden.Read("shard-of-two-compared.golden"));
        Assert.Equal((3, 4), (read.Tensors[0].Order, read.Tensors[1].Order));
        Assert.Equal(["rng"], read.Own!);
        Assert.Equal(shard.Fingerprints, read.Fingerprints);
    }

    [Fact]
    public void Shards_of_earlier_versions_are_read_and_not_compared()
    {
        foreach (var name in new[] { "shard-of-two.golden", "shard-of-two-dealt.golden" })
        {
            var old = ManifestCodec.DecodeShard(Golden.Read(name));
            Assert.Null(old.Fingerprints);
            Assert.Null(old.Tensors[0].Order);
        }

        var shards = Whole([1, 2], [1, 3]).Select(s => s with { Fingerprints = null }).ToList();
        Assert.Null(ShardSetRules.FindComplaint(shards));
        Assert.Contains("different versions", ShardSetRules.FindComplaint([shards[0], Whole([1, 2], [1, 2])[1]]));
    }

    [Fact]
    public void Ranks_that_held_other_values_are_named_with_the_tensor()
    {
        Assert.Null(ShardSetRules.FindComplaint(Whole([1, 2], [1, 2], [1, 2])));
        var complaint = ShardSetRules.FindComplaint(Whole([1, 2], [1, 7], [1, 2]));
        Assert.Contains("model/t1 (ranks 0, 2 | 1)", complaint);
        Assert.DoesNotContain("model/t0", complaint);
        Assert.Contains("rank 0's values count", complaint); // a way out
    }

    [Fact]
    public void Replicas_of_a_slice_are_compared_too()
    {
        Assert.Null(ShardSetRules.FindComplaint([Slice(0, 0, 5), Slice(1, 2, 6), Slice(2, 0, 5), Slice(3, 2, 6)]));
        Assert.Contains("model/t (ranks 1 | 3)", ShardSetRules.FindComplaint([Slice(0, 0, 5), Slice(1, 2, 6), Slice(2, 0, 5), Slice(3, 2, 7)]));

        static ShardManifest Slice(int rank, long row, byte value) =>
            Shard(rank, [row, 0], [2, 4]) with { Replicated = Digest.Of("same"u8), Fingerprints = Values(value) };
    }

    [Fact]
    public void Fingerprints_of_more_or_fewer_tensors_than_there_are_are_refused()
    {
        var shards = Whole([1, 2], [1, 2]);
        Assert.Contains("fingerprints of 1 tensors, and by the shards there are 2", ShardSetRules.FindComplaint(
            [shards[0], shards[1] with { Fingerprints = Values(1) }]));
    }

    [Fact]
    public void A_manifest_that_says_half_of_what_ranks_say_is_refused()
    {
        var shard = Whole([1, 2], [1, 2])[0];
        Refuses("what only ranks say", shard with { Replicated = null });
        Refuses("cut off", shard with { Fingerprints = [1, 2, 3] });
        Refuses("not in order", shard with { Own = ["b", "a"] });
        var small = Samples.SmallShard();
        Refuses("is not in its order", small with { Tensors = [small.Tensors[0] with { Order = 1 }, small.Tensors[1] with { Order = 1 }] });
        Refuses("others have none", small with { Tensors = [small.Tensors[0], small.Tensors[1] with { Order = 1 }] });

        static void Refuses(string complaint, ShardManifest shard) =>
            Assert.Contains(complaint, Assert.Throws<InvalidInputException>(() => ManifestCodec.Encode(shard)).Message);
    }

    [Fact]
    public void Shards_that_fit_together_are_left_alone()
    {
        Assert.Null(ShardSetRules.FindComplaint([Shard(0, [0, 0], [2, 4]), Shard(1, [2, 0], [2, 4])]));
        Assert.Null(ShardSetRules.FindComplaint([Shard(0, [0, 0], [4, 1]), Shard(1, [0, 1], [4, 3])]));
        Assert.Null(ShardSetRules.FindComplaint([Shard(0, [0, 0], [4, 4]), Shard(1, [0, 0], [4, 4])])); // replicas
        Assert.Null(ShardSetRules.FindComplaint([Shard(0, [0, 0], [4, 4]), Shard(1, [4, 0], [0, 4])])); // an empty one
    }

    [Theory]
    [InlineData(2, 0, 1, 4, "cover 12 of its 16 elements")]
    [InlineData(1, 0, 3, 4, "on the ranks 0 and 1 overlap")]
    [InlineData(0, 2, 4, 2, "on the ranks 0 and 1 overlap")]
    public void Slices_with_a_gap_or_an_overlap_are_named(long row, long column, long rows, long columns, string complaint) =>
        Assert.Contains(complaint, ShardSetRules.FindComplaint([Shard(0, [0, 0], [2, 4]), Shard(1, [row, column], [rows, columns])]));

    [Fact]
    public void Other_models_are_named()
    {
        var first = Shard(0, [0, 0], [2, 4]);
        var tensor = first.Tensors[0];
        Assert.Contains("rank 1 has other replicated tensors than rank 0", ShardSetRules.FindComplaint(
            [first with { Replicated = Digest.Of("a"u8) }, Shard(1, [2, 0], [2, 4]) with { Replicated = Digest.Of("b"u8) }]));
        Assert.Contains("model/t is float32 [4, 4] for rank 0 and float32 [5, 4] for rank 1", ShardSetRules.FindComplaint(
            [first, first with { Rank = new Rank(1), Tensors = [tensor with { GlobalShape = [5, 4] }] }]));
        Assert.Contains("is whole on one of the ranks 0 and 1", ShardSetRules.FindComplaint(
            [first, first with { Rank = new Rank(1), Tensors = [tensor with { GlobalShape = null, GlobalOffset = null }] }]));
    }

    /// <summary>Shards of ranks of which each stores one of the tensors t0, t1, ... and has held these values of all of them.</summary>
    private static ShardManifest[] Whole(params byte[][] held) => [.. held.Select((values, rank) => Samples.SmallShard() with
    {
        Rank = new Rank(rank),
        Tensors = rank >= values.Length ? [] :
        [
            new TensorRecord { Item = "model", Name = $"t{rank}", DType = DType.UInt8, Shape = [37], Offset = 0, Length = 37, Order = rank },
        ],
        Bytes = [],
        Replicated = Digest.Of("same"u8),
        Fingerprints = [.. values.SelectMany(v => Values(v))],
    })];

    private static byte[] Values(byte value) => [.. Enumerable.Repeat(value, ReplicaRules.FingerprintBytes)];

    private static ShardManifest Shard(int rank, long[] offset, long[] shape) => Samples.SmallShard() with
    {
        Rank = new Rank(rank),
        Tensors =
        [
            new TensorRecord
            {
                Item = "model", Name = "t", DType = DType.Float32, Shape = shape, GlobalShape = [4, 4], GlobalOffset = offset,
                Offset = 0, Length = 4 * shape[0] * shape[1],
            },
        ],
    };

    private static Gen<TensorBox> BoxIn(long[] whole) => Gen.Long[0, 5].Array[2 * whole.Length].Select(numbers =>
    {
        var offset = whole.Select((extent, d) => Math.Min(numbers[2 * d], extent)).ToArray();
        return new TensorBox(offset, [.. whole.Select((extent, d) => Math.Min(numbers[2 * d + 1], extent - offset[d]))]);
    });

    private static int[] Cut(int[] all, long[] whole, TensorBox box)
    {
        var cut = new List<int>();
        for (var i = 0; i < all.Length; i++)
        {
            var (rest, isInside) = ((long)i, true);
            for (var d = whole.Length - 1; d >= 0; d--)
            {
                var at = rest % whole[d];
                rest /= whole[d];
                isInside &= at >= box.Offset[d] && at < box.Offset[d] + box.Shape[d];
            }

            if (isInside)
                cut.Add(all[i]);
        }

        return [.. cut];
    }
}
