using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>API keys: how many there may be, and that one which was ended stays so.</summary>
public sealed class AccessTests : Clusters
{
    /// <summary>The patience of one call is 2 s.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Keys_that_have_expired_make_room_for_new_ones()
    {
        var access = Of(await StartAsync(new CiuicCluster()));
        for (var i = 0; i < 1_000; i++)
            await access.AddAsync(Key(i) with { ExpiresAt = Samples.Time });
        await access.AddAsync(Key(1_000));
        var keys = (await access.DescribeAsync()).Keys;
        Assert.Equal(1_000, keys.Length);
        Assert.Contains(keys, k => k.Id == Key(1_000).Id);
        Assert.DoesNotContain(keys, k => k.Id == Key(0).Id);
    }

    [Fact]
    public async Task A_key_that_was_ended_is_not_good_again_with_an_older_database()
    {
        var first = await StartAsync(new CiuicCluster());
        await Of(first).AddAsync(Key(1));
        await Of(first).AddAsync(Key(2));
        var backup = first.Storage.Backup();
        Assert.True(await Of(first).RevokeAsync(Key(1).Id));
        var second = await StartAsync(new CiuicCluster { Memory = first.Memory, Signer = first.Signer, Storage = backup });
        var keys = (await Of(second).DescribeAsync()).Keys;
        Assert.NotNull(keys.Single(k => k.Id == Key(1).Id).RevokedAt);
        Assert.Null(keys.Single(k => k.Id == Key(2).Id).RevokedAt);
    }

    [Fact]
    public async Task A_bucket_that_is_away_keeps_nobody_out_and_no_key_from_being_ended()
    {
        var cluster = await StartAsync(new CiuicCluster());
        await Of(cluster).AddAsync(Key(1));
        cluster.Store.Unwritable = _ => true;
        await Assert.ThrowsAsync<UnavailableException>(() => Of(cluster).RevokeAsync(Key(1).Id));
        Assert.NotNull((await Of(cluster).DescribeAsync()).Keys.Single().RevokedAt);
        cluster.Store.Unwritable = null;
        Assert.True(await Of(cluster).RevokeAsync(Key(1).Id));
    }

    [Fact]
    public async Task Where_the_bucket_has_never_answered_no_key_is_taken_for_good_and_nobody_waits_for_it()
    {
        var first = await StartAsync(new CiuicCluster());
        await Of(first).AddAsync(Key(1));
        var backup = first.Storage.Backup();
        await Of(first).RevokeAsync(Key(1).Id);
        var answer = new TaskCompletionSource();
        var second = new CiuicCluster { Memory = first.Memory, Signer = first.Signer, Storage = backup };
        second.Store.ListsHeld = prefix => prefix == BucketLayout.EndedKeysPrefix ? answer.Task : Task.CompletedTask;
        await StartAsync(second);
        for (var i = 0; i < 20; i++) // each of them would wait 2 s
            await Assert.ThrowsAsync<UnavailableException>(() => Of(second).DescribeAsync().WaitAsync(Soon));
        Assert.InRange(second.Store.Lists.Count(l => l == BucketLayout.EndedKeysPrefix), 1, 3); // one a half minute
        answer.SetResult();
        while (await KeysAsync(second) is null)
            await Task.Yield();
        Assert.NotNull((await KeysAsync(second))!.Single().RevokedAt);
    }

    [Fact]
    public async Task What_a_silo_has_read_of_ended_keys_counts_while_the_bucket_hangs()
    {
        var first = await StartAsync(new CiuicCluster());
        await Of(first).AddAsync(Key(1));
        await Of(first).AddAsync(Key(2));
        var backup = first.Storage.Backup();
        await Of(first).RevokeAsync(Key(1).Id);
        var second = await StartAsync(new CiuicCluster { Memory = first.Memory, Signer = first.Signer, Storage = backup });
        second.Store.ListsHeld = _ => new TaskCompletionSource().Task;
        var keys = (await Of(second).DescribeAsync().WaitAsync(Soon)).Keys; // the first activation of this silo
        Assert.Equal([true, false], keys.Select(k => k.RevokedAt is not null));
    }

    [Fact]
    public async Task The_same_key_again_is_good_until_the_new_time()
    {
        var access = Of(await StartAsync(new CiuicCluster()));
        await access.AddAsync(Key(1));
        await access.AddAsync(Key(1) with { ExpiresAt = Samples.Time });
        Assert.Equal(Samples.Time, (await access.DescribeAsync()).Keys.Single().ExpiresAt);
        await Assert.ThrowsAsync<ConflictException>(() => access.AddAsync(Key(1) with { Hash = Digest.Of("other"u8) }));
    }

    private static async Task<ApiKeyRecord[]?> KeysAsync(CiuicCluster cluster)
    {
        try
        {
            return (await Of(cluster).DescribeAsync()).Keys;
        }
        catch (UnavailableException)
        {
            return null;
        }
    }

    private static IAccessGrain Of(CiuicCluster cluster) => cluster.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    private static ApiKeyRecord Key(int number) => new()
    {
        Id = number.ToString("x12", System.Globalization.CultureInfo.InvariantCulture),
        Hash = Digest.Of(BitConverter.GetBytes(number)),
        Scope = AccessScope.Read,
        RunPrefix = "",
        Name = $"key {number}",
        CreatedAt = Samples.Time,
    };
}
