using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Client.Tests;

/// <summary>What a gateway gave for a chunk is there until its manifest was taken, and not for ever.</summary>
public sealed class ReceiptTests
{
    private readonly Receipts _receipts = new();

    [Fact]
    public void A_manifest_that_is_sent_again_and_again_lets_no_receipt_of_another_one_go()
    {
        var (first, second) = (Shard(1), Shard(2));
        Add(first, second);
        for (var tries = 0; tries < 1_000; tries++)
            Assert.Equal(["receipt"], _receipts.For(first));
        Assert.Equal(["receipt"], _receipts.For(second));
    }

    [Fact]
    public void One_that_no_manifest_needs_any_more_goes()
    {
        var (first, second) = (Shard(1), Shard(2));
        Add(first, second);
        for (var manifests = 0; manifests < 300; manifests++)
            _receipts.Used(first);
        Assert.Equal(["receipt"], _receipts.For(first));
        Assert.Equal([null], _receipts.For(second));
        Assert.Empty(_receipts.Of(second));
    }

    private void Add(params ShardManifest[] shards)
    {
        foreach (var chunk in shards.SelectMany(s => s.Chunks))
            _receipts.Add(BucketLayout.Chunk(chunk).Path, "receipt");
    }

    private static ShardManifest Shard(byte content) => new()
    {
        Format = ShardManifest.CurrentFormat,
        Run = RunId.Parse("a"),
        Sequence = new Sequence(1),
        Rank = new Rank(0),
        Tensors = [],
        Bytes = [],
        Chunks = [new ChunkRecord { Id = ChunkId.Parse(new string(content == 1 ? 'a' : 'b', 64)), Length = 1 }],
        Bases = null,
        Replicated = null,
        Own = null,
        Fingerprints = null,
    };
}
