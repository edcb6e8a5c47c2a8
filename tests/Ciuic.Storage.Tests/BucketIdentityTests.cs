using Ciuic.Core;
using Ciuic.Testing;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Storage.Tests;

public sealed class BucketIdentityTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly MemoryObjectStore _store = new();
    private readonly FakeTimeProvider _time = new(Samples.Time);

    [Fact]
    public async Task The_first_gives_it_and_all_others_read_it()
    {
        Assert.Null(await BucketIdentity.FindAsync(_store, None));
        var first = await BucketIdentity.EnsureAsync(_store, _time, None);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(first, await BucketIdentity.EnsureAsync(_store, _time, None));
        Assert.Equal(first, await BucketIdentity.FindAsync(_store, None));
    }

    [Fact]
    public async Task Of_many_that_start_at_once_all_have_the_winners()
    {
        using var folder = new TemporaryFolder();
        var racers = await Task.WhenAll(Enumerable.Range(0, 16).Select(
            _ => BucketIdentity.EnsureAsync(new FileObjectStore(folder.File("store")), _time, None)));
        Assert.Single(racers.Distinct());
    }

    [Theory]
    [InlineData(Fault.FailsBefore)]
    [InlineData(Fault.FailsAfter)]
    [InlineData(Fault.LandsLate)]
    public async Task One_whose_answer_was_lost_is_read_the_next_time_and_never_changes(Fault fault)
    {
        var store = new FaultyObjectStore(_store);
        store.Arm(0, fault);
        await Assert.ThrowsAsync<UnavailableException>(() => BucketIdentity.EnsureAsync(store, _time, None));
        var there = await BucketIdentity.FindAsync(_store, None);
        var second = await BucketIdentity.EnsureAsync(store, _time, None);
        Assert.True(there is null || there == second);
        await store.LandLateWritesAsync();
        Assert.Equal(second, await BucketIdentity.FindAsync(_store, None));
    }

    [Fact]
    public async Task Its_bytes_are_those_it_always_had()
    {
        var bytes = Golden.Read("bucket.golden");
        var identity = BucketIdentity.TryDecode(bytes)!;
        Assert.Equal("000102030405060708090a0b0c0d0e0f", identity.Id.ToString());
        Golden.Check("bucket.golden", identity.Encode());
        await _store.CreateAsync(BucketLayout.Identity, bytes, None);
        Assert.Equal(identity, await BucketIdentity.FindAsync(_store, None));
    }

    [Fact]
    public async Task A_flipped_bit_or_a_lost_byte_anywhere_is_damage_and_the_right_bytes_can_be_put_back()
    {
        var bytes = Golden.Read("bucket.golden");
        for (var i = 0; i < bytes.Length; i++)
        {
            var flipped = bytes.ToArray();
            flipped[i] ^= 1;
            // Another digit of the id or the time reads as another identity; everything else must not be read.
            if (BucketIdentity.TryDecode(flipped) is { } other)
                Assert.NotEqual(bytes, other.Encode());
            Assert.Null(BucketIdentity.TryDecode(bytes[..i]));
        }

        await _store.CreateAsync(BucketLayout.Identity, bytes[..20], None);
        var error = await Assert.ThrowsAsync<CorruptException>(() => BucketIdentity.FindAsync(_store, None));
        Assert.Contains("'bucket'", error.Message);
        await BucketIdentity.TryDecode(bytes)!.RestoreAsync(_store, None);
        Assert.Equal(bytes, await _store.GetAsync(BucketLayout.Identity, None));
        await _store.DeleteAsync(BucketLayout.Identity, None);
        await BucketIdentity.TryDecode(bytes)!.RestoreAsync(_store, None);
        Assert.Equal(bytes, await _store.GetAsync(BucketLayout.Identity, None));
    }
}
