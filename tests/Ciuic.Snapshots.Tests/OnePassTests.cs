using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>Many small tensors in one chunk: what is read is the chunk, once, and not once for each of them.</summary>
public sealed class OnePassTests : IDisposable
{
    private const int Tensors = 500;
    private const int Elements = 100;
    private const int ChunkBytes = 16 << 10;

    private static readonly CancellationToken None = CancellationToken.None;

    private readonly FaultyObjectStore _store = new(new MemoryObjectStore());
    private readonly ChunkStore _chunks;
    private readonly StagingBuffers _buffers = new(1 << 26);
    private readonly ArrayTensor[] _tensors = [.. Enumerable.Range(0, Tensors).Select(i => ArrayTensor.Random($"t{i}", Elements, i))];

    public OnePassTests() => _chunks = new ChunkStore(_store);

    [Fact]
    public async Task Many_tensors_asked_for_at_once_read_each_chunk_once()
    {
        var content = await SavedAsync();
        var read = _tensors.ToDictionary(t => t.Name, t => new byte[t.Content.Length]);
        await content.ReadAsync(content.Index.Tensors.Select(t => Into(t, read[t.Name])), None);
        Assert.All(_tensors, t => Assert.Equal(t.Content, read[t.Name]));
        AssertEachChunkWasReadOnce(content.Index.Shards[0].Chunks);
    }

    [Fact]
    public async Task Tensors_asked_for_one_after_the_other_read_each_chunk_once()
    {
        var content = await SavedAsync();
        foreach (var (saved, tensor) in content.Index.Tensors.Zip(_tensors))
        {
            var read = new byte[tensor.Content.Length];
            content.Read(saved, TensorBox.Whole(saved.Shape), (at, bytes) => bytes.Span.CopyTo(read.AsSpan((int)at)));
            Assert.Equal(tensor.Content, read);
        }

        AssertEachChunkWasReadOnce(content.Index.Shards[0].Chunks);
    }

    [Fact]
    public async Task Tensors_of_several_ranks_in_turn_read_each_chunk_once()
    {
        const int ranks = 6;
        var shards = new List<ShardManifest>();
        for (var rank = 0; rank < ranks; rank++)
            shards.Add(await StoreAsync([new ItemState("model", [.. _tensors.Where((_, i) => i % ranks == rank)], [], [])], rank));
        var content = SnapshotContent.Open(_chunks, new SnapshotIndex(shards, reader: null), 2, None);
        var saved = content.Index.Tensors.ToDictionary(t => t.Name);
        foreach (var tensor in _tensors)
        {
            var read = new byte[tensor.Content.Length];
            content.Read(saved[tensor.Name], TensorBox.Whole([Elements]), (at, bytes) => bytes.Span.CopyTo(read.AsSpan((int)at)));
            Assert.Equal(tensor.Content, read);
        }

        AssertEachChunkWasReadOnce([.. shards.SelectMany(s => s.Chunks)]);
    }

    [Fact]
    public async Task A_check_of_everything_reads_each_chunk_once()
    {
        var content = await SavedAsync();
        await content.CheckAsync(content.Index.Tensors, content.Index.Bytes, None);
        AssertEachChunkWasReadOnce(content.Index.Shards[0].Chunks);
    }

    [Fact]
    public async Task A_damaged_chunk_fails_a_pass_and_a_check_and_names_a_tensor_in_it()
    {
        var content = await SavedAsync();
        await _store.PutAsync(BucketLayout.Chunk(content.Index.Shards[0].Chunks[3]), new byte[10], None);
        var error = await Assert.ThrowsAsync<CorruptException>(() =>
            content.ReadAsync(content.Index.Tensors.Select(t => Into(t, new byte[t.Length])), None));
        Assert.Contains("tensor model/t1", error.Message);
        await Assert.ThrowsAsync<CorruptException>(() => content.CheckAsync(content.Index.Tensors, content.Index.Bytes, None));
        Assert.Throws<CorruptException>(() =>
        {
            foreach (var tensor in content.Index.Tensors)
                content.Read(tensor, TensorBox.Whole(tensor.Shape), (_, _) => { });
        });
    }

    [Fact]
    public async Task A_chunk_that_could_not_be_read_is_read_again_when_it_is_asked_for_again()
    {
        var content = await SavedAsync();
        var tensor = content.Index.Tensors.First();
        _store.Unreadable = _ => true;
        Assert.Throws<UnavailableException>(() => content.Read(tensor, TensorBox.Whole(tensor.Shape), (_, _) => { }));
        _store.Unreadable = null;
        var read = new byte[tensor.Length];
        content.Read(tensor, TensorBox.Whole(tensor.Shape), (at, bytes) => bytes.Span.CopyTo(read.AsSpan((int)at)));
        Assert.Equal(_tensors[0].Content, read);
    }

    [Fact]
    public async Task Readers_side_by_side_get_the_right_bytes_whatever_the_others_read()
    {
        var content = await SavedAsync();
        var saved = content.Index.Tensors.ToArray();
        Parallel.For(0, 4 * Tensors, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var which = i * 37 % Tensors;
            var read = new byte[saved[which].Length];
            content.Read(saved[which], TensorBox.Whole(saved[which].Shape), (at, bytes) => bytes.Span.CopyTo(read.AsSpan((int)at)));
            Assert.Equal(_tensors[which].Content, read);
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Slices_by_rows_and_by_columns_come_together_in_one_pass(int dimension)
    {
        const int side = 64;
        var whole = ArrayTensor.Random("w", side * side, 5);
        var shards = new List<ShardManifest>();
        for (var rank = 0; rank < 2; rank++)
            shards.Add(await SliceAsync(whole, side, dimension, rank));
        var content = SnapshotContent.Open(_chunks, new SnapshotIndex(shards, reader: null), 2, None);
        var read = new byte[whole.Content.Length];
        await content.ReadAsync([Into(content.Index.Tensors.Single(), read)], None);
        Assert.Equal(whole.Content, read);
    }

    public void Dispose()
    {
        _chunks.Dispose();
        _buffers.Dispose();
    }

    private static TensorRead Into(SavedTensor tensor, byte[] memory) =>
        new(tensor, (at, bytes) => bytes.Span.CopyTo(memory.AsSpan((int)at)));

    private async Task<SnapshotContent> SavedAsync()
    {
        var shard = await StoreAsync([new ItemState("model", _tensors, [new("state", [1, 2, 3])], [])], 0);
        return SnapshotContent.Open(_chunks, new SnapshotIndex([shard], reader: null), 2, None);
    }

    private async Task<ShardManifest> SliceAsync(ArrayTensor whole, int side, int dimension, int rank)
    {
        long[] shape = dimension == 0 ? [side / 2, side] : [side, side / 2];
        long[] offset = dimension == 0 ? [rank * side / 2, 0] : [0, rank * side / 2];
        var box = new TensorBox(offset, shape);
        var bytes = new byte[whole.Content.Length / 2];
        foreach (var run in TensorBox.Whole([side, side]).RunsTo(box))
            whole.Content.AsSpan((int)run.From * 4, (int)run.Count * 4).CopyTo(bytes.AsSpan((int)run.To * 4));
        var shard = await StoreAsync([new ItemState("model", [new ArrayTensor("w", DType.Float32, shape, bytes)], [], [])], rank);
        return shard with { Tensors = [shard.Tensors[0] with { GlobalShape = [side, side], GlobalOffset = offset }] };
    }

    private async Task<ShardManifest> StoreAsync(IReadOnlyList<ItemState> items, int rank)
    {
        var staged = StagedShard.Stage(_buffers, items, ChunkBytes);
        var uploaded = await new ShardUploader(_chunks, new CodecOptions(), 2).UploadAsync(staged, _ => { }, None);
        _store.Reads.Clear();
        return Samples.Shard(Samples.Run, 1, staged, uploaded) with { Rank = new Rank(rank) };
    }

    private void AssertEachChunkWasReadOnce(IReadOnlyList<ChunkRecord> chunks) =>
        Assert.Equal(chunks.Select(c => BucketLayout.Chunk(c).Path).Order(), _store.Reads.Order());
}
