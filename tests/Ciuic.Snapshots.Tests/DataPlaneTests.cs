using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Snapshots.Tests;

public sealed class DataPlaneTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly ChunkStore _chunks;
    private readonly StagingBuffers _buffers = new(1 << 28);

    public DataPlaneTests() => _chunks = new ChunkStore(_store);

    [Fact]
    public async Task What_is_staged_and_stored_is_loaded_bit_for_bit() => await Gen
        .Select(Gen.Int[0, 50_000].List[0, 12], Gen.Int)
        .SampleAsync(async (sizes, seed) =>
        {
            var tensors = sizes.Select((n, i) => ArrayTensor.Random($"t{i}", n, seed + i)).ToArray();
            KeyValuePair<string, byte[]>[] bytes = [new("state", [1, 2, 3]), new("empty", [])];
            using var arena = new StagingBuffers(1 << 28);
            var item = new ItemState("model", tensors, bytes, []);
            var staged = StagedShard.Stage(arena, [item], 64 << 10);
            var uploaded = await new ShardUploader(_chunks, new CodecOptions(), 2).UploadAsync(staged, _ => { }, None);
            var manifest = ManifestCodec.DecodeShard(ManifestCodec.Encode(
                Samples.Shard(Samples.Run, 1, staged, uploaded)));
            using var other = new StagingBuffers(1 << 28);
            var loaded = await Loads.ShardAsync(_chunks, manifest, (_, _) => true, other, 2, None);
            foreach (var (record, tensor) in loaded.Manifest.Tensors.Zip(tensors))
                Assert.Equal(tensor.Content, Read(loaded, record));
            Assert.Equal([1, 2, 3], Read(loaded, loaded.Manifest.Bytes[0].Offset, loaded.Manifest.Bytes[0].Length));
            Assert.Equal(0, loaded.Manifest.Bytes[1].Length);
        }, iter: 40, threads: 1);

    [Fact]
    public async Task An_unchanged_chunk_is_not_stored_again()
    {
        var frozen = ArrayTensor.Random("frozen", 100_000, 1);
        var uploader = new ShardUploader(_chunks, new CodecOptions(), 2);
        var first = await UploadAsync(uploader, frozen, ArrayTensor.Random("live", 20_000, 2));
        var second = await UploadAsync(uploader, frozen, ArrayTensor.Random("live", 20_000, 3));
        var fresh = await UploadAsync(new ShardUploader(_chunks, new CodecOptions(), 2), frozen, ArrayTensor.Random("live", 20_000, 3));
        Assert.Equal(first.Chunks.Count, first.WrittenChunks);
        Assert.Equal(2, second.WrittenChunks);
        Assert.Equal(0, fresh.WrittenChunks);
    }

    [Fact]
    public async Task A_damaged_chunk_of_the_same_name_is_replaced_by_the_right_bytes()
    {
        var tensor = ArrayTensor.Random("t", 10_000, 1);
        var uploaded = await UploadAsync(new ShardUploader(_chunks, new CodecOptions(), 2), tensor);
        var id = uploaded.Chunks[0].Id;
        await FlipAsync(BucketLayout.Chunk(id));
        Assert.NotNull((await _chunks.CheckAsync(ChunkFamily.Whole(id, 40_000), None))[id].Damage);
        var again = await UploadAsync(new ShardUploader(_chunks, new CodecOptions(), 2), tensor);
        Assert.Equal(1, again.RepairedChunks);
        Assert.True((await _chunks.CheckAsync(ChunkFamily.Whole(id, 40_000), None))[id].StoredBytes > 0);
    }

    [Fact]
    public async Task Only_the_chunks_of_the_wanted_item_are_read()
    {
        var (manifest, _) = await TwoItemsAsync();
        await FlipAsync(BucketLayout.Chunk(manifest.Chunks[^1].Id));
        var loaded = await Loads.ShardAsync(_chunks, manifest, (item, _) => item == "model", _buffers, 2, None);
        Assert.NotEmpty(Read(loaded, manifest.Tensors[0]));
        await Assert.ThrowsAsync<CorruptException>(() =>
            Loads.ShardAsync(_chunks, manifest, (item, _) => item == "optimizer", _buffers, 2, None));
    }

    [Theory]
    [InlineData("flip")]
    [InlineData("truncate")]
    [InlineData("delete")]
    [InlineData("swap")]
    public async Task Damage_is_named_by_run_snapshot_tensor_and_chunk(string how)
    {
        var (manifest, _) = await TwoItemsAsync();
        var chunk = manifest.Chunks[^1].Id;
        await DamageAsync(how, BucketLayout.Chunk(chunk), BucketLayout.Chunk(manifest.Chunks[0].Id));
        var error = await Assert.ThrowsAsync<CorruptException>(() =>
            Loads.ShardAsync(_chunks, manifest, (_, _) => true, _buffers, 2, None));
        Assert.Contains("run sample", error.Message);
        Assert.Contains("snapshot #1", error.Message);
        Assert.Contains("optimizer/moment", error.Message);
        Assert.Contains(chunk.ToString(), error.Message);
    }

    [Fact]
    public void A_state_larger_than_the_staging_limit_is_refused_with_the_number_it_takes()
    {
        using var small = new StagingBuffers(1_000);
        var item = new ItemState("model", [ArrayTensor.Random("t", 1_000, 1)], [], []);
        var error = Assert.Throws<InvalidInputException>(() => StagedShard.Stage(small, [item], 64 << 10));
        Assert.Contains("4000 bytes", error.Message);
    }

    [Fact]
    public async Task An_upload_that_is_cancelled_stops_and_leaves_only_whole_chunks()
    {
        using var cancel = new CancellationTokenSource();
        var staged = StagedShard.Stage(
            _buffers, [new ItemState("m", [ArrayTensor.Random("t", 400_000, 1)], [], [])], 64 << 10);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new ShardUploader(_chunks, new CodecOptions(), 2).UploadAsync(
            staged, p => { if (p.DoneChunks == 3) cancel.Cancel(); }, cancel.Token));
        await foreach (var found in _store.ListAsync(BucketLayout.ChunksPrefix, None))
        {
            var id = ChunkId.Parse(found.Key.Path.Split('/')[^1]);
            using var decoder = new ChunkDecoder();
            decoder.Decode(id, await _store.GetAsync(found.Key, None));
        }
    }

    public void Dispose()
    {
        _chunks.Dispose();
        _buffers.Dispose();
    }

    private async Task<(ShardManifest Manifest, UploadedShard Uploaded)> TwoItemsAsync()
    {
        var staged = StagedShard.Stage(
            _buffers,
            [
                new ItemState("model", [ArrayTensor.Random("weight", 30_000, 1)], [], []),
                new ItemState("optimizer", [ArrayTensor.Random("moment", 30_000, 2)], [], []),
            ],
            64 << 10);
        var uploaded = await new ShardUploader(_chunks, new CodecOptions(), 2).UploadAsync(staged, _ => { }, None);
        return (Samples.Shard(Samples.Run, 1, staged, uploaded), uploaded);
    }

    private Task<UploadedShard> UploadAsync(ShardUploader uploader, params TensorSource[] tensors)
    {
        var staged = StagedShard.Stage(_buffers, [new ItemState("model", tensors, [], [])], 64 << 10);
        return uploader.UploadAsync(staged, _ => { }, None);
    }

    private static byte[] Read(LoadedShard shard, TensorRecord record) => Read(shard, record.Offset, record.Length);

    private static byte[] Read(LoadedShard shard, long from, long length)
    {
        var content = new byte[length];
        shard.Read(from, length, (offset, bytes) => bytes.CopyTo(content.AsMemory((int)offset)));
        return content;
    }

    private async Task FlipAsync(ObjectKey key) => await DamageAsync("flip", key, key);

    private async Task DamageAsync(string how, ObjectKey key, ObjectKey other)
    {
        var bytes = (await _store.GetAsync(key, None))!;
        switch (how)
        {
            case "flip":
                bytes[bytes.Length / 2] ^= 4;
                await _store.PutAsync(key, bytes, None);
                break;
            case "truncate":
                await _store.PutAsync(key, bytes.AsMemory(0, bytes.Length / 2), None);
                break;
            case "delete":
                await _store.DeleteAsync(key, None);
                break;
            default:
                await _store.PutAsync(key, (await _store.GetAsync(other, None))!, None);
                break;
        }
    }
}
