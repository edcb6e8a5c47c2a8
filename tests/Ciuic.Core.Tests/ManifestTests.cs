using System.Text;
using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Core.Tests;

public sealed class ManifestTests
{
    [Fact]
    public void Manifests_have_the_bytes_they_always_had()
    {
        Golden.Check("shard-manifest.golden", ManifestCodec.Encode(Samples.SmallShard()));
        Golden.Check("shard-manifest-delta.golden", ManifestCodec.Encode(Samples.DeltaShard()));
        Golden.Check("shard-manifest-prediction.golden", ManifestCodec.Encode(Predicted()));
        Golden.Check("root-manifest.golden", ManifestCodec.Encode(Sample()));
    }

    [Fact]
    public void A_root_manifest_comes_back_as_it_went_in()
    {
        var back = ManifestCodec.DecodeManifest(ManifestCodec.Encode(Sample()));
        Assert.Equal(Sample().Parent, back.Parent);
        Assert.Equal(double.PositiveInfinity, back.Metrics["perplexity"]);
        Assert.Equal(ManifestCodec.Encode(Sample()), ManifestCodec.Encode(back));
    }

    [Theory]
    [InlineData(1, 4_096, true)]
    [InlineData(1, 4_097, false)]
    [InlineData(15, 4_096, true)]
    [InlineData(16, 4_096, false)] // with their names
    [InlineData(1, 17 << 20, false)] // what nobody could read again
    public void Labels_that_are_too_long_are_refused_before_they_are_written(int count, int bytes, bool fits)
    {
        var labels = Enumerable.Range(0, count).ToDictionary(i => $"label{i}", _ => new string('x', bytes));
        var manifest = Sample() with { Labels = labels };
        if (fits)
            Assert.Equal(count, ManifestCodec.DecodeManifest(ManifestCodec.Encode(manifest)).Labels.Count);
        else
            Assert.Contains("label", Assert.Throws<InvalidInputException>(() => ManifestCodec.Encode(manifest)).Message);
    }

    [Fact]
    public void A_label_without_a_text_is_refused_and_one_that_was_written_is_read()
    {
        var manifest = Sample() with { Labels = new Dictionary<string, string> { ["note"] = null! } };
        Assert.Contains("'note'", Assert.Throws<InvalidInputException>(() => ManifestCodec.Encode(manifest)).Message);
        var written = Encoding.UTF8.GetString(ManifestCodec.Encode(Sample() with { Labels = new Dictionary<string, string> { ["note"] = "?" } }))
            .Replace("\"note\":\"?\"", "\"note\":null", StringComparison.Ordinal);
        Assert.Equal("", ManifestCodec.DecodeManifest(Encoding.UTF8.GetBytes(written)).Labels["note"]);
    }

    [Theory]
    [InlineData("\"step\":70", "\"step\":-1", "negative")]
    [InlineData("\"step\":70", "\"step\":70,\"step\":71", "step")]
    [InlineData("\"step\":70", "\"step\":70,\"extra\":1", "extra")]
    [InlineData("\"step\":70,", "", "step")]
    [InlineData("\"step\":70", "\"step\":null", "step")]
    [InlineData("\"world_size\":2", "\"world_size\":3", "shards")]
    [InlineData("ciuic.dev/manifest/v1", "ciuic.dev/manifest/v2", "v2")]
    [InlineData("\"run\":\"sample\"", "\"run\":\"../x\"", "RunId")]
    [InlineData("\"created_at\":\"2026", "\"created_at\":\" 2026", "time")]
    [InlineData("\"token\":1", "\"token\":0", "token")]
    public void A_root_manifest_that_lies_is_refused_with_the_reason(string said, string lie, string reason)
    {
        var text = Encoding.UTF8.GetString(ManifestCodec.Encode(Sample()));
        Assert.Contains(said, text);
        var error = Assert.Throws<InvalidInputException>(() =>
            ManifestCodec.DecodeManifest(Encoding.UTF8.GetBytes(text.Replace(said, lie, StringComparison.Ordinal))));
        Assert.Contains(reason, error.Message);
    }

    [Theory]
    [InlineData("\"offset\":24", "\"offset\":20", "overlaps")]
    [InlineData("\"offset\":24", "\"offset\":28", "gap")]
    [InlineData("\"length\":24}", "\"length\":20}", "cannot have")]
    [InlineData("\"shape\":[2,3]", "\"shape\":[2,-3]", "cannot have")]
    [InlineData("\"shape\":[2,3]", "\"shape\":[9223372036854775807,9223372036854775807]", "cannot have")]
    [InlineData("\"name\":\"slice\"", "\"name\":\"weight\"", "twice")]
    [InlineData("\"global_offset\":[8]", "\"global_offset\":[13]", "beyond")]
    [InlineData("\"global_offset\":[8]", "\"global_offset\":[8,0]", "rank")]
    [InlineData("\"length\":13}", "\"length\":12}", "cover")]
    [InlineData("\"length\":13}", "\"length\":0}", "0 bytes")]
    [InlineData("\"float32\"", "\"Float32\"", "element type")]
    [InlineData("\"float32\"", "\"pickle\"", "element type")]
    public void A_shard_manifest_that_lies_is_refused_with_the_reason(string said, string lie, string reason)
    {
        var text = Encoding.UTF8.GetString(ManifestCodec.Encode(Samples.SmallShard()));
        Assert.Contains(said, text);
        var error = Assert.Throws<InvalidInputException>(() =>
            ManifestCodec.DecodeShard(Encoding.UTF8.GetBytes(text.Replace(said, lie, StringComparison.Ordinal))));
        Assert.Contains(reason, error.Message);
    }

    [Fact]
    public void Chunks_that_need_each_other_are_one_family_sources_first()
    {
        var graph = new ChunkGraph(ManifestCodec.DecodeShard(ManifestCodec.Encode(Samples.DeltaShard())));
        var families = graph.FamiliesOf([Id("one"), Id("two"), Id("one")]).ToList();
        Assert.Equal([["whole", "base", "one"], ["two"]], families.Select(Names));
        Assert.Equal([["one"], ["two"]], families.Select(f => f.Wanted.Select(Name)));
    }

    [Fact]
    public void What_is_wanted_and_needed_by_another_wanted_chunk_comes_with_it_once()
    {
        var shard = ManifestCodec.DecodeShard(ManifestCodec.Encode(Predicted()));
        var families = new ChunkGraph(shard).FamiliesOf(shard.Chunks.Select(c => c.Id)).ToList();
        Assert.Equal(["p0", "m1", "v0", "m0", "v1", "p1"], Names(Assert.Single(families)));
        Assert.Equal(["m1", "p1", "v1"], families[0].Wanted.Select(Name).Order());
        Assert.Equal(["v0", "m0", "m1", "v1"], Names(Assert.Single(new ChunkGraph(shard).FamiliesOf([Id("v1")]))));
    }

    [Fact]
    public void Predictions_that_lie_are_refused_with_the_reason()
    {
        var good = Predicted();
        Refused("not listed", good with { Bases = [.. good.Bases!.SkipLast(1)] });
        Refused("a part of what", With(good, "p1", c => c with { Input2 = null }));
        Refused("a part of what", With(good, "p1", c => c with { Base = null }));
        Refused("more than 64", With(good, "m1", c => c with { Base = Id("p1") })); // a circle
        Refused("more than 256 others", Bushy());
        Refused("a base of 4", With(good, "p1", c => c with { Length = 8 }));
    }

    /// <summary>A chunk of few generations and very many ancestors.</summary>
    private static ShardManifest Bushy()
    {
        var (chunks, all) = (new List<ChunkRecord>(), new List<ChunkRecord>());
        for (var generation = 0; generation < 6; generation++)
        {
            var made = Enumerable.Range(0, (int)Math.Pow(3, 5 - generation)).Select(i => new ChunkRecord
            {
                Id = Id($"{generation}-{i}"),
                Length = 4,
                Base = generation == 0 ? null : chunks[3 * i].Id,
                Input1 = generation == 0 ? null : chunks[(3 * i) + 1].Id,
                Input2 = generation == 0 ? null : chunks[(3 * i) + 2].Id,
            }).ToList();
            all.AddRange(made);
            chunks = made;
        }

        var bytes = new ByteRecord { Item = "i", Name = "n", Offset = 0, Length = 4 };
        return Samples.SmallShard() with { Tensors = [], Bytes = [bytes], Chunks = chunks, Bases = [.. all.SkipLast(1)] };
    }

    private static ShardManifest With(ShardManifest shard, string chunk, Func<ChunkRecord, ChunkRecord> change) =>
        shard with { Chunks = [.. shard.Chunks.Select(c => c.Id == Id(chunk) ? change(c) : c)] };

    /// <summary>A weight and its moments after a step.</summary>
    private static ShardManifest Predicted()
    {
        ChunkRecord[] chunks =
        [
            new() { Id = Id("p1"), Length = 4, Base = Id("p0"), Input1 = Id("m1"), Input2 = Id("v1") },
            new() { Id = Id("m1"), Length = 4 },
            new() { Id = Id("v1"), Length = 4, Base = Id("v0"), Input1 = Id("m0"), Input2 = Id("m1") },
        ];
        var bytes = new ByteRecord { Item = "i", Name = "n", Offset = 0, Length = 12 };
        return Samples.SmallShard() with
        {
            Tensors = [],
            Bytes = [bytes],
            Chunks = chunks,
            Bases = [.. new[] { "p0", "v0", "m0" }.Select(n => new ChunkRecord { Id = Id(n), Length = 4 })],
        };
    }

    private static ChunkId Id(string name) => ChunkId.Of(Encoding.UTF8.GetBytes(name));

    private static string Name(ChunkId id) =>
        new[] { "one", "two", "base", "whole", "p0", "p1", "m0", "m1", "v0", "v1" }.Single(n => Id(n) == id);

    private static IEnumerable<string> Names(ChunkFamily family) => family.Order.Select(c => Name(c.Id));

    [Fact]
    public void Bases_that_lie_are_refused_with_the_reason()
    {
        var (one, basis) = (ChunkId.Of("one"u8), ChunkId.Of("base"u8));
        var good = Samples.DeltaShard();
        Refused("not listed", good with { Bases = [good.Bases![0]] });
        Refused("not listed", good with { Bases = null });
        Refused("is there and empty", Samples.SmallShard() with { Bases = [] });
        Refused("has a base of 25", good with { Bases = [good.Bases[0], good.Bases[1] with { Length = 25 }] });
        Refused("is there twice", good with { Bases = [.. good.Bases, good.Bases[1]] });
        Refused("is there twice", good with { Bases = [.. good.Bases, good.Chunks[1]] });
        Refused("in two ways", good with { Chunks = [good.Chunks[0], good.Chunks[1], good.Chunks[0] with { Base = null }] });
        Refused("more than 64", good with { Bases = [good.Bases[0], good.Bases[1] with { Base = one }] }); // a circle
        Refused("more than 64", good with { Bases = [good.Bases[0] with { Base = basis }, good.Bases[1]] });
        var chain = Enumerable.Range(0, 65).Select(i => ChunkId.Of([(byte)i])).ToList();
        Refused("more than 64", good with
        {
            Bases = [.. good.Bases, .. chain.Select((id, i) => new ChunkRecord { Id = id, Length = 1, Base = i == 64 ? null : chain[i + 1] })],
            Chunks = [.. good.Chunks, new ChunkRecord { Id = ChunkId.Of("x"u8), Length = 1, Base = chain[0] }],
        });
    }

    [Fact]
    public void No_damaged_manifest_crashes_the_parser()
    {
        var bytes = ManifestCodec.Encode(Samples.SmallShard());
        Gen.Select(Gen.Int[0, bytes.Length - 1], Gen.Byte, Gen.Int[0, bytes.Length]).Sample((at, value, length) =>
        {
            var damaged = bytes.ToArray();
            damaged[at] = value;
            try
            {
                ManifestCodec.DecodeShard(damaged.AsSpan(0, length));
            }
            catch (InvalidInputException)
            {
                // Refused: that is the only other way.
            }
        }, iter: 3_000);
    }

    [Fact]
    public void Cuts_cover_every_byte_once_and_large_tensors_have_chunks_of_their_own() => Gen
        .Select(Gen.Long[0, 300].List[0, 40], Gen.Int[1, 100])
        .Sample((lengths, chunkBytes) =>
        {
            var cuts = ShardPlan.Cut(lengths, chunkBytes);
            var end = 0L;
            foreach (var cut in cuts)
            {
                Assert.Equal(end, cut.Offset);
                Assert.InRange(cut.Length, 1, chunkBytes);
                end += cut.Length;
            }

            Assert.Equal(lengths.Sum(), end);
            var begins = cuts.Select(c => c.Offset).Append(end).ToHashSet();
            var offset = 0L;
            foreach (var length in lengths)
            {
                if (length > 0 && length >= Math.Max(1, chunkBytes / 4))
                {
                    Assert.Contains(offset, begins);
                    Assert.Contains(offset + length, begins);
                }

                offset += length;
            }
        }, iter: 2_000);

    [Fact]
    public void Small_tensors_share_a_chunk() =>
        Assert.Single(ShardPlan.Cut(Enumerable.Repeat(10L, 100), 4_096));

    private static Manifest Sample() => Samples.Manifest(
        Samples.Run,
        7,
        new SnapshotLink { Sequence = new Sequence(6), Manifest = ManifestDigest.Of("parent"u8) },
        ShardDigest.Of("shard 0"u8),
        ShardDigest.Of("shard 1"u8));

    private static void Refused(string reason, ShardManifest shard) =>
        Assert.Contains(reason, Assert.Throws<InvalidInputException>(() => ManifestCodec.Encode(shard)).Message);
}
