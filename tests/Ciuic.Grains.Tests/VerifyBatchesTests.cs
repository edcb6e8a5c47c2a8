using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>Which verifier reads what, and how much of a silo's memory.</summary>
public sealed class VerifyBatchesTests
{
    [Fact]
    public void A_chunk_goes_where_the_chunk_of_its_place_went_in_the_snapshot_before()
    {
        var (first, second) = (Shard("one", 0), Shard("two", 1_000)); // other bytes, and much more saved besides
        var before = VerifiersOf(first);
        var now = VerifiersOf(second);
        Assert.Equal(before[..40], now[^40..]);
        Assert.True(before[..40].Distinct().Count() > 6); // of eight: the work is spread
    }

    [Fact]
    public void Batches_are_small_and_hold_every_chunk_once()
    {
        var shard = Shard("one", 0);
        var batches = VerifyBatches.Of(shard, 8, 3).SelectMany(v => v.Batches).ToList();
        Assert.All(batches, b => Assert.InRange(b.Length, 1, 3));
        Assert.Equal(
            shard.Chunks.Select(c => c.Id.ToString()).Order(StringComparer.Ordinal),
            batches.SelectMany(b => b.SelectMany(f => f.Wanted)).Select(c => c.ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Who_finds_the_memory_taken_waits_his_turn_and_the_large_one_is_not_passed_by()
    {
        var room = new VerificationRoom(100);
        var none = CancellationToken.None;
        var first = await room.TakeAsync(60, none);
        var large = room.TakeAsync(1_000, none); // more than there is: all of it, alone
        var small = room.TakeAsync(10, none);
        Assert.False(large.IsCompleted || small.IsCompleted);
        first.Dispose();
        (await large.WaitAsync(TimeSpan.FromSeconds(10), none)).Dispose();
        (await small.WaitAsync(TimeSpan.FromSeconds(10), none)).Dispose();
        using var all = await room.TakeAsync(100, none);
        Assert.NotNull(all);
    }

    [Fact]
    public async Task Who_gives_up_waiting_leaves_the_memory_to_the_others()
    {
        var room = new VerificationRoom(100);
        var first = await room.TakeAsync(100, CancellationToken.None);
        using var ending = new CancellationTokenSource();
        var second = room.TakeAsync(50, ending.Token);
        var third = room.TakeAsync(50, CancellationToken.None);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first.Dispose();
        first.Dispose(); // again changes nothing
        using var has = await third.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        using var other = await room.TakeAsync(50, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        Assert.False(room.TakeAsync(1, CancellationToken.None).IsCompleted);
    }

    [Fact]
    public void A_chain_needs_two_chunks_at_a_time_and_a_prediction_all_that_it_is_made_of()
    {
        const int Length = 1 << 20;
        var frames = 2L * ChunkFrame.MaxLength(Length);
        var chain = Enumerable.Range(0, 8)
            .Select(i => new ChunkRecord { Id = Id(i), Length = Length, Base = i == 0 ? null : Id(i - 1) })
            .ToList();
        Assert.Equal((2 * Length) + frames, VerificationRoom.NeedOf(new ChunkFamily(chain, new HashSet<ChunkId> { Id(7) })));
        var whole = Enumerable.Range(0, 3).Select(i => new ChunkRecord { Id = Id(i), Length = Length });
        var predicted = new ChunkRecord { Id = Id(3), Length = Length, Base = Id(0), Input1 = Id(1), Input2 = Id(2) };
        Assert.Equal((4 * Length) + frames, VerificationRoom.NeedOf(new ChunkFamily([.. whole, predicted], new HashSet<ChunkId> { Id(3) })));
    }

    private static ChunkId Id(int number) => ChunkId.Of(BitConverter.GetBytes(number));

    private static int[] VerifiersOf(ShardManifest shard) =>
        [.. shard.Chunks.Select(c => VerifyBatches.Of(shard, 8, 16)
            .Single(v => v.Batches.Any(b => b.Any(f => f.Wanted.Contains(c.Id)))).Verifier)];

    /// <summary>A tensor of 40 chunks behind so many bytes of another one.</summary>
    private static ShardManifest Shard(string bytes, int before)
    {
        var tensors = new List<TensorRecord>();
        var chunks = new List<ChunkRecord>();
        if (before > 0)
        {
            tensors.Add(Tensor("before", 0, before));
            chunks.Add(new ChunkRecord { Id = ChunkId.Of("before"u8), Length = before });
        }

        tensors.Add(Tensor("weight", before, 40_000));
        chunks.AddRange(Enumerable.Range(0, 40).Select(i => new ChunkRecord
        {
            Id = ChunkId.Of(System.Text.Encoding.UTF8.GetBytes($"{bytes}{i}")),
            Length = 1_000,
        }));
        return Samples.SmallShard() with { Tensors = tensors, Bytes = [], Chunks = chunks };
    }

    private static TensorRecord Tensor(string name, long offset, int length) => new()
    {
        Item = "model",
        Name = name,
        DType = DType.UInt8,
        Shape = [length],
        Offset = offset,
        Length = length,
    };
}
