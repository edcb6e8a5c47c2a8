using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>Snapshots stored as differences to the ones before.</summary>
public sealed class DeltaTests : IDisposable
{
    private const int Elements = 40_000;
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly FaultyObjectStore _counting;
    private readonly ChunkStore _chunks;
    private readonly CodecOptions _options = new();
    private readonly ShardUploader _uploader;
    private readonly List<IDisposable> _owned = [];
    private StagingBuffers _buffers;

    public DeltaTests()
    {
        _counting = new FaultyObjectStore(_store);
        _chunks = new ChunkStore(_store);
        _uploader = new ShardUploader(_chunks, _options, 2);
        _buffers = Own(new StagingBuffers(1 << 28));
    }

    [Fact]
    public async Task A_long_run_is_small_its_chains_are_bounded_and_every_snapshot_comes_back()
    {
        _options.MaxChain = 3;
        var saved = new List<(ShardManifest Manifest, byte[] Content)>();
        var weights = ArrayTensor.Weights("w", Elements, 1);
        for (var step = 1; step <= 10; step++)
        {
            weights = weights.Moved(step);
            saved.Add((await SaveAsync(weights), weights.Content));
        }

        Assert.Equal([0, 1, 2, 3, 0, 1, 2, 3, 0, 1], saved.Select(s => (s.Manifest.Bases?.Count ?? 0) / 3)); // of three chunks
        foreach (var (manifest, content) in saved)
            Assert.Equal(content, await LoadAsync(manifest));
    }

    [Fact]
    public async Task Every_so_many_snapshots_one_needs_no_other()
    {
        _options.FullEvery = 3;
        var weights = ArrayTensor.Weights("w", Elements, 1);
        var frozen = ArrayTensor.Weights("frozen", Elements, 2);
        for (var step = 0; step < 7; step++)
        {
            weights = weights.Moved(step);
            frozen = step < 2 ? frozen.Moved(step) : frozen; // stored as a difference once, then never changed again
            var manifest = await SaveAsync(weights, frozen);
            Assert.Equal(step % 3 == 0, manifest.Bases is null);
        }
    }

    [Fact]
    public async Task A_chunk_that_did_not_change_costs_nothing()
    {
        var frozen = ArrayTensor.Weights("frozen", Elements, 1);
        await SaveAsync(frozen);
        var before = await BytesAsync();
        await SaveAsync(frozen);
        Assert.Equal(before, await BytesAsync());
    }

    [Fact]
    public async Task Differences_take_less_room_than_planes_and_planes_less_than_raw_bytes()
    {
        var sizes = new List<long>();
        foreach (var mode in (CodecMode[])[CodecMode.Delta, CodecMode.Planes, CodecMode.Raw])
        {
            _options.Mode = mode;
            _uploader.ForgetKnown();
            var weights = ArrayTensor.Weights("w", Elements, 10 + (int)mode);
            await SaveAsync(weights);
            var before = await BytesAsync();
            weights = weights.Moved(1);
            Assert.Equal(weights.Content, await LoadAsync(await SaveAsync(weights)));
            sizes.Add(await BytesAsync() - before);
        }

        Assert.InRange(sizes[2], 4 * Elements, 5 * Elements);
        Assert.InRange(sizes[1], 1, sizes[2] * 0.9);
        Assert.InRange(sizes[0], 1, sizes[1] * 0.9);
    }

    [Fact]
    public async Task Tensors_that_change_shape_vanish_or_appear_come_back_and_what_is_new_needs_no_other()
    {
        await SaveAsync(ArrayTensor.Weights("w", Elements, 1), ArrayTensor.Weights("gone", Elements, 2));
        var (w, added) = (ArrayTensor.Weights("w", Elements - 7, 1).Moved(1), ArrayTensor.Weights("new", Elements, 3));
        var second = await SaveAsync(w, added);
        byte[] expected = [.. w.Content, .. added.Content];
        Assert.Equal(expected, await LoadAsync(second));
        Assert.All(second.Chunks.TakeLast(3), chunk => Assert.Null(chunk.Base)); // of "new"
    }

    [Fact]
    public async Task Without_room_for_the_snapshot_before_every_one_is_stored_whole()
    {
        _buffers = Own(new StagingBuffers(5 * Elements));
        var weights = ArrayTensor.Weights("w", Elements, 1);
        Assert.Null((await SaveAsync(weights)).Bases);
        weights = weights.Moved(1);
        var second = await SaveAsync(weights);
        Assert.Null(second.Bases);
        var before = await BytesAsync();
        await SaveAsync(weights); // still known by its hash
        Assert.Equal(before, await BytesAsync());
    }

    [Fact]
    public async Task After_a_restore_the_next_snapshot_is_a_difference_to_the_restored_one()
    {
        var weights = ArrayTensor.Weights("w", Elements, 1);
        var first = await SaveAsync(weights);
        var buffers = Own(new StagingBuffers(1 << 28));
        var loaded = await Loads.ShardAsync(_chunks, first, (_, _) => true, buffers, 2, None);
        buffers.Keep(loaded.Arena);
        (var fresh, _buffers) = (new ShardUploader(_chunks, _options, 2), buffers);
        fresh.ContinueFrom(DeltaBases.Of(loaded));
        weights = weights.Moved(1);
        var second = await SaveAsync(fresh, weights);
        Assert.Equal(first.Chunks.Select(c => c.Id), second.Bases!.Select(b => b.Id));
        Assert.Equal(weights.Content, await LoadAsync(second));
    }

    [Theory]
    [InlineData("delete", "is missing")]
    [InlineData("flip", "is damaged")]
    public async Task A_base_that_is_gone_or_damaged_is_named_with_what_needs_it(string how, string what)
    {
        var weights = ArrayTensor.Weights("w", Elements, 1);
        var first = await SaveAsync(weights);
        await SaveAsync(weights.Moved(1));
        var third = await SaveAsync(weights.Moved(1).Moved(2));
        var key = BucketLayout.Chunk(first.Chunks[1].Id);
        var bytes = (await _store.GetAsync(key, None))!;
        await _store.DeleteAsync(key, None);
        if (how == "flip")
        {
            bytes[bytes.Length / 2] ^= 8;
            await _store.PutAsync(key, bytes, None);
        }

        var error = await Assert.ThrowsAsync<CorruptException>(() => LoadAsync(third));
        Assert.Contains("model/w", error.Message);
        Assert.Contains($"chunk {first.Chunks[1].Id}", error.Message);
        Assert.Contains(what, error.Message);
    }

    [Fact]
    public async Task The_same_bytes_stored_whole_stand_in_for_a_damaged_difference()
    {
        var weights = ArrayTensor.Weights("w", Elements, 1);
        await SaveAsync(weights);
        var second = await SaveAsync(weights.Moved(1));
        await SaveAsync(new ShardUploader(_chunks, new CodecOptions { Mode = CodecMode.Planes }, 2), weights.Moved(1)); // a fork saved it, too
        foreach (var chunk in second.Chunks)
            await _store.DeleteAsync(BucketLayout.Delta(chunk.Id, chunk.Base!.Value), None);
        Assert.Equal(weights.Moved(1).Content, await LoadAsync(second));
    }

    [Fact]
    public async Task A_damaged_difference_of_the_same_name_is_replaced_by_the_right_bytes()
    {
        var weights = ArrayTensor.Weights("w", Elements, 1);
        await SaveAsync(weights);
        var second = await SaveAsync(weights.Moved(1));
        foreach (var chunk in second.Chunks)
            await _store.PutAsync(BucketLayout.Delta(chunk.Id, chunk.Base!.Value), "rubbish"u8.ToArray(), None);
        _uploader.ForgetKnown();
        await SaveAsync(weights);
        await SaveAsync(weights.Moved(1));
        Assert.Equal(weights.Moved(1).Content, await LoadAsync(second));
    }

    [Fact]
    public async Task What_was_just_verified_is_not_read_again_and_damage_is_still_found()
    {
        _options.FullEvery = 100;
        using var verifier = new ChunkStore(_counting, new BaseCache(1 << 20, TimeProvider.System));
        var weights = ArrayTensor.Weights("w", Elements, 1);
        ShardManifest last = await SaveAsync(weights);
        for (var step = 1; step <= 6; step++)
        {
            await CheckAsync(verifier, last);
            weights = weights.Moved(step);
            last = await SaveAsync(weights);
        }

        _counting.Reads.Clear();
        await CheckAsync(verifier, last);
        Assert.Equal(last.Chunks.Count, _counting.Reads.Count); // not its bases
        using var cold = new ChunkStore(_counting, new BaseCache(100_000, TimeProvider.System));
        await CheckAsync(cold, last); // a cache for one chunk of three
        await _store.DeleteAsync(BucketLayout.Chunk(last.Chunks[0]), None);
        await Assert.ThrowsAsync<CorruptException>(() => CheckAsync(new ChunkStore(_store, new BaseCache(0, TimeProvider.System)), last));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public async Task What_a_difference_needs_must_be_in_the_store_though_its_bytes_are_in_memory(int saved, bool isCutShort)
    {
        _options.FullEvery = 100;
        using var verifier = new ChunkStore(_counting, new BaseCache(1 << 20, TimeProvider.System));
        var weights = ArrayTensor.Weights("w", Elements, 1);
        var manifests = new List<ShardManifest>();
        for (var step = 0; step < 3; step++)
        {
            manifests.Add(await SaveAsync(weights));
            weights = weights.Moved(step);
            if (step < 2)
                await CheckAsync(verifier, manifests[step]);
        }

        var key = BucketLayout.Chunk(manifests[saved].Chunks[0]); // the base, or what the base is the difference to
        var there = (await _store.GetAsync(key, None))!;
        await _store.DeleteAsync(key, None);
        if (isCutShort)
            await _store.PutAsync(key, there[..^1], None);
        await Assert.ThrowsAsync<CorruptException>(() => CheckAsync(verifier, manifests[2]));
        await _store.PutAsync(key, there, None);
        await CheckAsync(verifier, manifests[2]);
    }

    [Fact]
    public async Task Numbers_that_are_none_and_items_that_nothing_trains_are_noticed()
    {
        var uploader = new ShardUploader(_chunks, _options, 2, looksForNonFinite: true);
        var (large, small) = (ArrayTensor.Weights("large", Elements, 1), ArrayTensor.Weights("small", 10, 2));
        var health = await HealthAsync(uploader, large, small);
        Assert.Empty(health.NonFinite);
        Assert.Empty(health.Unchanged); // there is none before
        BitConverter.GetBytes(float.NaN).CopyTo(large.Content, large.Content.Length - 4);
        health = await HealthAsync(uploader, large, small);
        Assert.Equal(["model/large"], health.NonFinite);
        Assert.Equal(["head"], health.Unchanged);
        BitConverter.GetBytes(float.NegativeInfinity).CopyTo(small.Content, 0);
        health = await HealthAsync(uploader, large, small);
        Assert.Equal(["model/large", "head/small"], health.NonFinite);
        Assert.Equal(["model"], health.Unchanged);
    }

    private async Task<StateHealth> HealthAsync(ShardUploader uploader, TensorSource large, TensorSource small)
    {
        var staged = StagedShard.Stage(_buffers, [new ItemState("model", [large], [], []), new ItemState("head", [small], [], [])], 64 << 10);
        var uploaded = await uploader.UploadAsync(staged, _ => { }, None);
        _buffers.Keep(staged.Arena);
        uploader.ContinueFrom(DeltaBases.Of(staged, uploaded));
        return uploaded.Health;
    }

    public void Dispose()
    {
        _chunks.Dispose();
        _owned.ForEach(o => o.Dispose());
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private static async Task CheckAsync(ChunkStore chunks, ShardManifest shard)
    {
        foreach (var family in new ChunkGraph(shard).FamiliesOf(shard.Chunks.Select(c => c.Id)))
        {
            foreach (var (_, outcome) in await chunks.CheckAsync(family, None))
                _ = outcome.Damage is { } damage ? throw damage : outcome;
        }
    }

    private Task<ShardManifest> SaveAsync(params TensorSource[] tensors) => SaveAsync(_uploader, tensors);

    /// <summary>What the client does for a save.</summary>
    private async Task<ShardManifest> SaveAsync(ShardUploader uploader, params TensorSource[] tensors)
    {
        var staged = StagedShard.Stage(_buffers, [new ItemState("model", tensors, [], [])], 64 << 10);
        if (!_buffers.IsKept)
            uploader.ForgetContent();
        var uploaded = await uploader.UploadAsync(staged, _ => { }, None);
        _buffers.Keep(staged.Arena);
        uploader.ContinueFrom(DeltaBases.Of(staged, uploaded));
        return ManifestCodec.DecodeShard(ManifestCodec.Encode(Samples.Shard(Samples.Run, 1, staged, uploaded)));
    }

    private async Task<byte[]> LoadAsync(ShardManifest manifest)
    {
        using var buffers = new StagingBuffers(1 << 28);
        var loaded = await Loads.ShardAsync(_chunks, manifest, (_, _) => true, buffers, 2, None);
        var content = new List<byte>();
        foreach (var tensor in manifest.Tensors)
            loaded.Read(tensor.Offset, tensor.Length, (_, bytes) => content.AddRange(bytes.Span));
        return [.. content];
    }

    private async Task<long> BytesAsync()
    {
        var bytes = 0L;
        await foreach (var found in _store.ListAsync("", None))
            bytes += found.Length;
        return bytes;
    }
}
