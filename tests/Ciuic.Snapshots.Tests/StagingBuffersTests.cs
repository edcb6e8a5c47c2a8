namespace Ciuic.Snapshots.Tests;

public sealed class StagingBuffersTests
{
    [Fact]
    public void Prepared_arenas_have_room_when_they_are_taken()
    {
        using var buffers = new StagingBuffers(maxBytes: 200);
        buffers.Prepare(100);
        var first = buffers.Take(1);
        buffers.Keep(first);
        Assert.Equal(100, first.Capacity);
        Assert.Equal(100, buffers.Take(1).Capacity);
    }

    [Theory]
    [InlineData(150, 150)] // room for one
    [InlineData(201, 0)] // for none
    public void Nothing_is_prepared_beyond_the_budget(long bytes, long capacity)
    {
        using var buffers = new StagingBuffers(maxBytes: 200);
        buffers.Prepare(bytes);
        var first = buffers.Take(0);
        buffers.Keep(first);
        Assert.Equal(capacity, first.Capacity);
        Assert.Equal(0, buffers.Take(0).Capacity);
    }

    [Fact]
    public void Halves_fit_into_the_budget_whatever_was_there_before()
    {
        using var buffers = new StagingBuffers(maxBytes: 200);
        buffers.Keep(buffers.Take(150));
        var halves = buffers.TakeHalves(90);
        Assert.False(buffers.IsKept);
        Assert.All(halves, half => Assert.InRange(half.Capacity, 90, 100));
        Assert.NotSame(halves[0], halves[1]);
    }

    [Fact]
    public void What_is_kept_or_in_use_is_left_alone()
    {
        using var buffers = new StagingBuffers(maxBytes: 1_000);
        var kept = buffers.Take(10);
        buffers.Keep(kept);
        buffers.Prepare(100);
        Assert.Equal(10, kept.Capacity);
        var used = buffers.Take(10);
        Assert.Equal(100, used.Capacity);
        buffers.Prepare(300);
        Assert.Equal(100, used.Capacity);
    }
}
