using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>Saves of a state that an optimizer moves.</summary>
public sealed class PredictionTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly ChunkStore _chunks;
    private readonly StagingBuffers _buffers = new(1 << 28);
    private readonly CodecOptions _options = new();
    private readonly AdamTensors _layer = new(1, 100, 1_000);
    private ShardUploader _uploader;
    private UploadedShard? _uploaded;

    public PredictionTests()
    {
        _chunks = new ChunkStore(_store);
        _uploader = new ShardUploader(_chunks, _options, 4);
    }

    [Fact]
    public async Task Steps_are_stored_in_less_than_a_third_of_the_state_and_come_back_bit_for_bit()
    {
        for (var step = 0; step <= 20; step++)
        {
            var manifest = await SaveAsync();
            await AssertRestoredAsync(manifest);
            // The first moment is stored each time; weights and second moments are told from it.
            if (step % 8 > 1)
                Assert.InRange(_uploaded!.WrittenBytes, 1, 1_200_000 * 0.32);
            _layer.Train();
        }
    }

    [Fact]
    public async Task Only_what_the_wanted_item_is_told_from_is_read()
    {
        var manifests = await SaveStepsAsync(4);
        using var buffers = new StagingBuffers(1 << 28);
        var loaded = await Loads.ShardAsync(_chunks, manifests[^1], (item, _) => item == "model", buffers, 2, None);
        Assert.Equal(_layer.Weight.Content, Read(loaded, manifests[^1].Tensors[0]));
    }

    [Fact]
    public async Task A_learning_rate_that_a_scheduler_has_moved_on_costs_nothing()
    {
        for (var step = 0; step < 5; step++)
        {
            await SaveAsync();
            _layer.Train();
            _layer.NextRate *= 0.9;
        }

        await AssertRestoredAsync(await SaveAsync());
        Assert.InRange(_uploaded!.WrittenBytes, 1, 1_200_000 * 0.32);
    }

    [Fact]
    public async Task After_a_restore_the_next_save_is_told_from_what_was_restored()
    {
        var manifests = await SaveStepsAsync(3);
        var buffers = new StagingBuffers(1 << 28);
        var loaded = await Loads.ShardAsync(_chunks, manifests[^1], (_, _) => true, buffers, 2, None);
        using var fresh = new StagingBuffers(1 << 28);
        fresh.Keep(loaded.Arena);
        _uploader = new ShardUploader(_chunks, _options, 2);
        _uploader.ContinueFrom(DeltaBases.Of(loaded));
        _layer.Train();
        await AssertRestoredAsync(await SaveAsync());
        Assert.InRange(_uploaded!.WrittenBytes, 1, 1_200_000 * 0.32);
        buffers.Dispose();
    }

    [Theory]
    [InlineData("optimizer/1.exp_avg", "optimizer/1.exp_avg_sq")]
    [InlineData("model/layers.1.weight", "model/layers.1.weight")]
    public async Task A_damaged_source_is_named_with_what_it_hits(string tensor, string hit)
    {
        var manifests = await SaveStepsAsync(3);
        var damaged = ChunkOf(manifests[1], tensor);
        var key = BucketLayout.Chunk(damaged);
        var bytes = (await _store.GetAsync(key, None))!;
        bytes[bytes.Length / 2] ^= 1;
        await _store.PutAsync(key, bytes, None);
        await AssertRestoredAsync(manifests[0], isNow: false);
        var error = await Assert.ThrowsAsync<CorruptException>(() => LoadAsync(manifests[2]));
        Assert.Contains($"chunk {damaged.Id}", error.Message);
        Assert.Contains(hit, error.Message);
    }

    [Fact]
    public async Task What_is_missing_is_named_with_the_chunk_that_needs_it()
    {
        var manifests = await SaveStepsAsync(3);
        var mean = ChunkOf(manifests[2], "optimizer/1.exp_avg");
        await _store.DeleteAsync(BucketLayout.Chunk(mean), None);
        var outcomes = await CheckAsync(manifests[2]);
        Assert.Contains("is missing", outcomes[mean.Id].Damage!.Message);
        Assert.All(manifests[2].Chunks.Where(c => c.Input1 == mean.Id || c.Input2 == mean.Id), c =>
            Assert.Contains($"{mean.Id} is missing", outcomes[c.Id].Damage!.Message));
    }

    [Fact]
    public async Task Bytes_that_come_back_as_they_were_are_the_chunk_of_then()
    {
        _options.FullEvery = 100;
        var (zero, one) = (ArrayTensor.Weights("w", 100_000, 1), ArrayTensor.Weights("w", 100_000, 1).Moved(1));
        var two = one.Moved(2);
        foreach (var tensor in new[] { zero, one, two, one, two, one })
        {
            var manifest = await SaveAsync([new ItemState("model", [tensor], [], [])]);
            Assert.Equal(tensor.Content, Read(await LoadAsync(manifest), manifest.Tensors[0]));
        }
    }

    [Fact]
    public async Task Contents_that_change_places_do_not_need_each_other()
    {
        _options.FullEvery = 100;
        var a1 = ArrayTensor.Weights("a", 100_000, 1);
        var x = ArrayTensor.Weights("b", 100_000, 2);
        var (a2, c1) = (a1.Moved(3), x.Moved(4));
        (byte[] First, byte[] Second)[] states =
            [(a1.Content, x.Content), (a2.Content, c1.Content), (x.Content, a1.Content), (a1.Content, x.Content), (c1.Content, a2.Content)];
        foreach (var (first, second) in states)
        {
            ArrayTensor[] tensors = [new("a", DType.Float32, [100_000], first), new("b", DType.Float32, [100_000], second)];
            var manifest = await SaveAsync([new ItemState("model", tensors, [], [])]);
            var loaded = await LoadAsync(manifest);
            Assert.Equal(first, Read(loaded, manifest.Tensors[0]));
            Assert.Equal(second, Read(loaded, manifest.Tensors[1]));
        }
    }

    [Fact]
    public async Task Two_tensors_that_become_one_content_are_stored_in_one_way()
    {
        var (own, target) = (ArrayTensor.Weights("own", 100_000, 1), ArrayTensor.Weights("target", 100_000, 2));
        await SaveAsync([new ItemState("model", [own, target], [], [])]);
        own.Moved(3).Content.CopyTo(own.Content, 0);
        own.Content.CopyTo(target.Content, 0); // a target network that is set to the one that trains
        var manifest = await SaveAsync([new ItemState("model", [own, target], [], [])]);
        var loaded = await LoadAsync(manifest);
        Assert.All(manifest.Tensors, t => Assert.Equal(own.Content, Read(loaded, t)));
    }

    public void Dispose()
    {
        _chunks.Dispose();
        _buffers.Dispose();
    }

    private async Task<List<ShardManifest>> SaveStepsAsync(int count)
    {
        var manifests = new List<ShardManifest>();
        for (var step = 0; step < count; step++)
        {
            _layer.Train();
            manifests.Add(await SaveAsync());
        }

        Assert.Contains(manifests[^1].Chunks, c => c.Input1 is not null);
        return manifests;
    }

    private Task<ShardManifest> SaveAsync() => SaveAsync(AdamTensors.Items(_layer));

    private async Task<ShardManifest> SaveAsync(IReadOnlyList<ItemState> items)
    {
        var staged = StagedShard.Stage(_buffers, items, 64 << 10);
        _uploaded = await _uploader.UploadAsync(staged, _ => { }, None);
        _buffers.Keep(staged.Arena);
        _uploader.ContinueFrom(DeltaBases.Of(staged, _uploaded));
        return ManifestCodec.DecodeShard(ManifestCodec.Encode(Samples.Shard(Samples.Run, 1, staged, _uploaded)));
    }

    private async Task AssertRestoredAsync(ShardManifest manifest, bool isNow = true)
    {
        var loaded = await LoadAsync(manifest);
        Assert.Equal(3, manifest.Tensors.Count);
        Assert.Equal(isNow, _layer.Weight.Content.AsSpan().SequenceEqual(Read(loaded, manifest.Tensors[0])));
        Assert.Equal(isNow, _layer.Mean.Content.AsSpan().SequenceEqual(Read(loaded, manifest.Tensors[1])));
        Assert.Equal(isNow, _layer.Square.Content.AsSpan().SequenceEqual(Read(loaded, manifest.Tensors[2])));
    }

    private Task<LoadedShard> LoadAsync(ShardManifest manifest) =>
        Loads.ShardAsync(_chunks, manifest, (_, _) => true, new StagingBuffers(1 << 28), 2, None);

    private async Task<Dictionary<ChunkId, ChunkOutcome>> CheckAsync(ShardManifest manifest)
    {
        var outcomes = new Dictionary<ChunkId, ChunkOutcome>();
        foreach (var family in new ChunkGraph(manifest).FamiliesOf(manifest.Chunks.Select(c => c.Id)))
        {
            foreach (var (id, outcome) in await _chunks.CheckAsync(family, None))
                outcomes.Add(id, outcome);
        }

        return outcomes;
    }

    /// <summary>The first chunk of a tensor.</summary>
    private static ChunkRecord ChunkOf(ShardManifest manifest, string tensor)
    {
        var record = manifest.Tensors.Single(t => $"{t.Item}/{t.Name}" == tensor);
        var at = 0L;
        return manifest.Chunks.First(c => (at += c.Length) > record.Offset);
    }

    private static byte[] Read(LoadedShard loaded, TensorRecord tensor)
    {
        var content = new List<byte>();
        loaded.Read(tensor.Offset, tensor.Length, (_, bytes) => content.AddRange(bytes.Span));
        return [.. content];
    }
}
