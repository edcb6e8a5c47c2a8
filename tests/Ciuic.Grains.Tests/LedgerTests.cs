using System.Text;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Grains.Tests;

/// <summary>The ledger's writer as a grain: rotation, witnesses, damage.</summary>
public sealed class LedgerTests : Clusters
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly TestWitnesses _witnesses = new(TimeProvider.System, TestKeys.TreeHead.Verifier);
    [Fact]
    public async Task Commits_do_not_wait_for_witnesses_and_are_final_when_the_quorum_has_cosigned()
    {
        var cluster = await StartAsync(new CiuicCluster { Trust = new LedgerTrust(_witnesses.Policy, _witnesses.All, null) });
        foreach (var witness in _witnesses.All.Take(2))
            witness.IsAway = true;
        var position = await AppendAsync(cluster, 1);
        Assert.False(await cluster.Ledger.WaitFinalAsync(position.Height, Short));
        var view = await cluster.Ledger.DescribeAsync();
        Assert.Equal((1, 0), (view.Size, view.PublishedSize));
        Assert.True(view.PublishProblem?.Contains("not the quorum") == true, view.PublishProblem ?? "null");
        Assert.Equal("w1 is away", view.Witnesses[0].Problem);
        Assert.Null(await new LedgerBucket(cluster.Memory, TestBucket.Ledger).GetCheckpointAsync(1, default));

        _witnesses.All[0].IsAway = false;
        Assert.True(await cluster.Ledger.WaitFinalAsync(position.Height, Long));
        var checkpoint = await new LedgerBucket(cluster.Memory, TestBucket.Ledger).GetCheckpointAsync(default);
        Assert.Equal(2, _witnesses.Policy.OpenHead(checkpoint!).Cosignatures.Count);
        Assert.Null((await cluster.Ledger.DescribeAsync()).PublishProblem);
    }

    [Fact]
    public async Task Under_constant_load_tree_heads_keep_coming()
    {
        var cluster = await StartAsync(new CiuicCluster());
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var number = 0L;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            while (!deadline.IsCancellationRequested)
                await AppendAsync(cluster, Interlocked.Increment(ref number));
        }));
        var sizes = await new LedgerBucket(cluster.Memory, TestBucket.Ledger).ListPublishedSizesAsync(default);
        Assert.InRange(sizes.Count, 5, int.MaxValue); // at an interval of 10 ms; a busy machine has fewer, and with starvation there is one
    }

    [Fact]
    public async Task A_snapshot_is_final_only_after_its_block_is_cosigned()
    {
        var cluster = await StartAsync(new CiuicCluster { Trust = new LedgerTrust(_witnesses.Policy, _witnesses.All, null) });
        foreach (var witness in _witnesses.All)
            witness.IsAway = true;
        var token = (await cluster.Run("run").OpenAsync(CiuicCluster.Open())).Lease.Token;
        var view = await cluster.SaveAsync("run", token, 1);
        Assert.False(await cluster.Snapshot("run", view.Sequence).WaitFinalAsync(Short));
        foreach (var witness in _witnesses.All)
            witness.IsAway = false;
        Assert.True(await cluster.Snapshot("run", view.Sequence).WaitFinalAsync(Long));
        Assert.False(await cluster.Snapshot("run", new Sequence(9)).WaitFinalAsync(Short));
    }

    [Fact]
    public async Task A_silo_that_ends_does_not_wait_for_witnesses_that_hang_nor_for_those_who_wait_for_them()
    {
        var cluster = await StartAsync(new CiuicCluster { Trust = new LedgerTrust(_witnesses.Policy, _witnesses.All, null) });
        var never = new TaskCompletionSource();
        foreach (var witness in _witnesses.All)
            witness.Until = never.Task;
        var position = await AppendAsync(cluster, 1);
        var waiting = new[] { cluster.Ledger.WaitFinalAsync(position.Height, Long), cluster.Ledger.PublishAsync() };
        var begin = TimeProvider.System.GetTimestamp();
        await cluster.Cluster.StopSiloAsync(cluster.Cluster.Silos[0]);
        Assert.InRange(TimeProvider.System.GetElapsedTime(begin), TimeSpan.Zero, TimeSpan.FromSeconds(9)); // it was 20 s, or 10
        never.SetResult();
        await Task.WhenAll(waiting).ContinueWith(_ => { }, TaskScheduler.Default); // whatever they were told
    }

    [Fact]
    public async Task Both_keys_rotate_and_everything_signed_before_and_after_stands()
    {
        var cluster = await StartAsync(new CiuicCluster());
        await AppendAsync(cluster, 1);
        await cluster.PublishAsync();
        var prepared = await cluster.Ledger.PrepareKeyAsync(KeyRole.Blocks);
        var blocks = await cluster.Ledger.RotateAsync(KeyRole.Blocks, prepared, "me", "yearly");
        Assert.Equal([TestKeys.Blocks.Verifier.ToString(), prepared.ToString()], blocks.BlockKeys);
        var repeated = await cluster.Ledger.RotateAsync(KeyRole.Blocks, prepared, "me", "yearly"); // the answer was lost
        Assert.Equal(blocks.BlockKeys, repeated.BlockKeys);
        await AppendAsync(cluster, 2);
        var heads = await RotateAsync(cluster, KeyRole.TreeHead, "yearly");
        Assert.Equal(2, heads.TreeHeadKeys.Length);
        await AppendAsync(cluster, 3);
        await cluster.PublishAsync();

        foreach (var key in heads.TreeHeadKeys) // who trusts any of the keys can check all
        {
            var findings = new List<AuditFinding>();
            var bucket = new LedgerBucket(cluster.Memory, TestBucket.Ledger);
            var tip = await BucketAudit.CheckLedgerAsync(bucket, TlogPolicy.Alone(VerifierKey.Parse(key)), findings, _ => { }, default);
            Assert.Empty(findings);
            Assert.Equal((5, 2, 2), (tip.Size, tip.Keys.Blocks.Count, tip.Keys.TreeHead.Count));
        }

        var again = await StartAsync(new CiuicCluster { Memory = cluster.Memory, Signer = cluster.Signer });
        await AppendAsync(again, 4);
        Assert.Equal(heads.TreeHeadKeys, (await again.Ledger.DescribeAsync()).TreeHeadKeys);
    }

    public static TheoryData<KeyRole, Fault> EveryRotation()
    {
        var table = new TheoryData<KeyRole, Fault>();
        foreach (var fault in Enum.GetValues<Fault>())
        {
            table.Add(KeyRole.Blocks, fault);
            table.Add(KeyRole.TreeHead, fault);
        }

        return table;
    }

    /// <summary>Of a rotation and what follows: block, tiles, note of keys, kept tree head, checkpoint.</summary>
    [Theory]
    [MemberData(nameof(EveryRotation))]
    public async Task Whatever_write_of_a_rotation_goes_wrong_one_key_is_in_force_and_history_is_whole(KeyRole role, Fault fault)
    {
        var cluster = await StartAsync(new CiuicCluster());
        var number = 0;
        await AppendAsync(cluster, ++number);
        await cluster.PublishAsync();
        var happened = 0;
        for (var write = 0; write < 8; write++)
        {
            cluster.Store.Arm(write, fault);
            try
            {
                await RotateAsync(cluster, role, $"write {write}");
                await cluster.PublishAsync();
            }
            catch (UnavailableException)
            {
                Assert.Equal(0, write); // only the block's own write leaves the outcome open
            }

            happened += cluster.Store.Happened ? 1 : 0;
            await AppendStubbornlyAsync(cluster, ++number);
            await cluster.Store.LandLateWritesAsync();
            await AppendStubbornlyAsync(cluster, ++number);
            await CheckAsync(cluster, number + await RotationsAsync(cluster));
        }

        // Block, tile, bundle, note of keys, kept tree head, checkpoint: each of them went wrong once.
        Assert.InRange(happened, 6, 8);

        var again = await StartAsync(new CiuicCluster { Memory = cluster.Memory, Signer = cluster.Signer });
        await AppendStubbornlyAsync(again, ++number);
        await CheckAsync(again, number + await RotationsAsync(again));
    }

    [Fact]
    public async Task A_rotation_needs_a_reason() => await Assert.ThrowsAsync<InvalidInputException>(async () =>
        await RotateAsync(await StartAsync(new CiuicCluster()), KeyRole.Blocks, " "));

    [Fact]
    public async Task A_ledger_whose_key_is_gone_is_not_written()
    {
        var cluster = await StartAsync(new CiuicCluster());
        await AppendAsync(cluster, 1);
        await RotateAsync(cluster, KeyRole.Blocks, "yearly");
        var other = await StartAsync(new CiuicCluster { Memory = cluster.Memory }); // has the first keys only
        var error = await Assert.ThrowsAsync<ConflictException>(() => AppendAsync(other, 2));
        Assert.Contains("private half is not in the key directory", error.Message);
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("changed")]
    public async Task A_ledger_with_a_block_and_its_copies_deleted_or_changed_goes_on_no_more_and_names_the_height(string how)
    {
        var first = await FiveBlocksAsync();
        await DamageBlockAsync(first.Memory, how);
        await foreach (var bundle in first.Memory.ListAsync("ledgers/main/tile/entries/", default))
            await first.Memory.DeleteAsync(bundle.Key, default);
        var second = await StartAsync(new CiuicCluster { Memory = first.Memory });
        var error = await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(second, 6));
        Assert.Contains("block 2", error.Message);
        Assert.Contains("block 2", (await second.Ledger.DescribeAsync()).Damage);
        Assert.Null(await first.Memory.GetAsync(BucketLayout.Block(TestBucket.Ledger, 5), default));
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("changed")]
    public async Task A_block_that_a_bundle_still_holds_is_put_back_and_told(string how)
    {
        var first = await FiveBlocksAsync();
        var block = await DamageBlockAsync(first.Memory, how);
        var second = await StartAsync(new CiuicCluster { Memory = first.Memory });
        await AppendAsync(second, 6);
        Assert.Equal(block, await first.Memory.GetAsync(BucketLayout.Block(TestBucket.Ledger, 2), default));
        var view = await second.Ledger.DescribeAsync();
        Assert.Null(view.Damage);
        Assert.Contains("block/2", Assert.Single(view.Mended));
        Assert.NotNull(view.WholeAt);
        await CheckAsync(second, 6);
    }

    [Theory]
    [InlineData("deleted")]
    [InlineData("changed")]
    public async Task What_a_run_has_in_the_ledger_is_found_although_a_block_is_lost(string how)
    {
        var first = await FiveBlocksAsync();
        await DamageBlockAsync(first.Memory, how);
        var second = await StartAsync(new CiuicCluster { Memory = first.Memory });
        var tail = second.Grains.GetGrain<ILedgerTailGrain>(TestBucket.Ledger); // before anybody opens the ledger itself, and mends it
        var found = await tail.FindAsync(RecordOf(3).Run, 0);
        Assert.Equal(5, found.End);
        Assert.Equal(new LedgerPosition(2, 0), Assert.Single(found.Places));
        Assert.Equal(RecordOf(3).Run, Assert.Single(await tail.ReadAsync(found.Places)).Record.Run);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_bundle_that_nobody_has_signed_does_not_hide_what_a_run_has_in_the_ledger(bool isLost)
    {
        var memory = new MemoryObjectStore();
        var bucket = new TestBucket(memory, TimeProvider.System);
        for (var height = 0; height <= Tile.FullWidth; height++)
            await bucket.AppendAsync(Samples.Record(height + 1) with { Run = RunId.Parse(height == 99 ? "sought" : "others") });
        await foreach (var found in memory.ListAsync(BucketLayout.LedgerPrefix(TestBucket.Ledger) + "tile/entries/", default))
        {
            var text = Encoding.Latin1.GetString((await memory.GetAsync(found.Key, default))!);
            await memory.PutAsync(found.Key, Encoding.Latin1.GetBytes(text.Replace("sought", "forged", StringComparison.Ordinal)), default);
        }

        if (isLost)
            await memory.DeleteAsync(BucketLayout.Block(TestBucket.Ledger, 99), default);
        var cluster = await StartAsync(new CiuicCluster { Memory = memory });
        var tail = cluster.Grains.GetGrain<ILedgerTailGrain>(TestBucket.Ledger);
        var sought = RunId.Parse("sought");
        if (isLost)
            await Assert.ThrowsAsync<UnavailableException>(() => tail.FindAsync(sought, 0));
        else
            Assert.Equal(new LedgerPosition(99, 0), Assert.Single((await tail.FindAsync(sought, 0)).Places));
    }

    [Fact]
    public async Task A_silo_that_runs_reads_its_ledger_again_and_puts_back_what_was_lost()
    {
        var cluster = new CiuicCluster();
        (cluster.LedgerOptions.LookInterval, cluster.LedgerOptions.ScrubInterval) = (Short, Short);
        await StartAsync(cluster);
        for (var i = 1; i <= 5; i++)
            await AppendAsync(cluster, i);
        await cluster.PublishAsync();
        foreach (var path in (string[])["block/2", "keys", "keys.copy", "tile/0/000.p/5", "checkpoint", "checkpoint.3"])
        {
            var key = BucketLayout.Tile(TestBucket.Ledger, path);
            if (await cluster.Memory.GetAsync(key, default) is not { } before)
                continue; // no head of three blocks was published
            if (path == "checkpoint.3")
                await cluster.Memory.PutAsync(key, before[..^9], default);
            else
                await cluster.Memory.DeleteAsync(key, default);
            using var deadline = new CancellationTokenSource(Long);
            while ((await cluster.Memory.GetAsync(key, default))?.SequenceEqual(before) != true)
                await Task.Delay(Short / 4, deadline.Token);
        }

        Assert.Contains((await cluster.Ledger.DescribeAsync()).Mended, m => m.EndsWith("block/2", StringComparison.Ordinal));
        await CheckAsync(cluster, 5);
    }

    [Fact]
    public async Task A_store_that_damages_every_block_is_appended_to_no_more_until_it_keeps_what_it_takes()
    {
        var store = new DamagingStore(new MemoryObjectStore());
        var cluster = new CiuicCluster { Bucket = store };
        cluster.LedgerOptions.RecheckInterval = Short;
        await StartAsync(cluster);
        await AppendAsync(cluster, 1);
        store.Damages = true;
        Assert.Contains("not read back", (await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(cluster, 2))).Message);
        Assert.Contains("not read back", (await cluster.Ledger.DescribeAsync()).Damage);
        await Task.Delay(Short);
        await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(cluster, 2));
        Assert.Null(await store.GetAsync(BucketLayout.Block(TestBucket.Ledger, 2), default)); // nothing was tried behind it
    }

    [Fact]
    public async Task A_damaged_ledger_is_looked_at_again_and_goes_on_once_it_is_mended()
    {
        var (store, key, block) = await DamageAsync();
        var cluster = new CiuicCluster { Memory = store };
        cluster.LedgerOptions.RecheckInterval = Short;
        await StartAsync(cluster);
        await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(cluster, 6));
        await Task.Delay(Short);
        await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(cluster, 6)); // not while it is looked at, either
        await store.PutAsync(key, block, default);
        using var deadline = new CancellationTokenSource(Long);
        while (true)
        {
            try
            {
                await AppendAsync(cluster, 6);
                break;
            }
            catch (CorruptException)
            {
                await Task.Delay(Short / 4, deadline.Token);
            }
        }

        await CheckAsync(cluster, 6);
    }

    [Fact]
    public async Task A_check_that_takes_long_runs_beside_the_appends_and_stops_them_when_it_finds_damage()
    {
        var (store, _, _) = await DamageAsync();
        var cluster = new CiuicCluster { Memory = store };
        cluster.LedgerOptions.CheckPatience = TimeSpan.Zero;
        await StartAsync(cluster);
        using var deadline = new CancellationTokenSource(Long);
        var error = await Assert.ThrowsAsync<CorruptException>(async () =>
        {
            for (var i = 6; !deadline.IsCancellationRequested; i++)
                await AppendAsync(cluster, i);
        });
        Assert.Contains("checkpoint.3", error.Message);
    }

    [Fact]
    public async Task Without_the_check_only_the_newest_blocks_are_looked_at()
    {
        var first = await FiveBlocksAsync();
        var block = await DamageBlockAsync(first.Memory, "changed");
        var cluster = new CiuicCluster { Memory = first.Memory };
        cluster.LedgerOptions.CheckAtStart = false;
        await StartAsync(cluster);
        await AppendAsync(cluster, 6); // looked for among all others: the bundle says what they hold
        var key = BucketLayout.Block(TestBucket.Ledger, 2);
        Assert.NotEqual(block, await first.Memory.GetAsync(key, default));
        await first.Memory.PutAsync(key, block, default);
        await CheckAsync(cluster, 6);
    }

    [Theory]
    [InlineData("checkpoint", 0)]
    [InlineData("checkpoint", 40)]
    [InlineData("tile/0/000.p/5", 0)]
    [InlineData("tile/0/000.p/5", 40)]
    [InlineData("tile/entries/000.p/5", 40)]
    public async Task What_is_derived_comes_back_from_the_blocks(string path, int keep)
    {
        var first = await FiveBlocksAsync();
        var key = BucketLayout.Tile(TestBucket.Ledger, path);
        var before = (await first.Memory.GetAsync(key, default))!;
        await first.Memory.DeleteAsync(key, default);
        if (keep > 0)
            await first.Memory.PutAsync(key, before.AsMemory(0, keep), default);
        var second = await StartAsync(new CiuicCluster { Memory = first.Memory });
        await second.PublishAsync();
        Assert.Equal(before, await first.Memory.GetAsync(key, default));
        await CheckAsync(second, 5);
    }

    [Fact]
    public async Task A_bucket_that_was_rolled_back_is_refused_by_a_silo_that_remembers()
    {
        using var folder = new TemporaryFolder();
        var trust = LedgerTrust.Alone with { Accepted = new AcceptedHeads(folder.File("state")) };
        var first = await StartAsync(new CiuicCluster { Trust = trust });
        await AppendAsync(first, 1);
        await first.PublishAsync();
        var old = await TestBucket.CopyAsync(first.Memory);
        await AppendAsync(first, 2);
        await first.PublishAsync();
        var second = await StartAsync(new CiuicCluster { Memory = old, Trust = trust });
        var error = await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(second, 3));
        Assert.Contains("block 1", error.Message);
        Assert.Contains("promises 2 blocks", error.Message);
    }

    [Fact]
    public async Task A_bucket_with_another_history_of_the_same_length_is_refused_by_a_silo_that_remembers()
    {
        using var folder = new TemporaryFolder();
        var trust = LedgerTrust.Alone with { Accepted = new AcceptedHeads(folder.File("state")) };
        var first = await StartAsync(new CiuicCluster { Trust = trust });
        await AppendAsync(first, 1);
        await first.PublishAsync();
        var forked = await StartAsync(new CiuicCluster());
        await AppendAsync(forked, 2);
        await forked.PublishAsync();
        var second = await StartAsync(new CiuicCluster { Memory = forked.Memory, Trust = trust });
        var error = await Assert.ThrowsAsync<CorruptException>(() => AppendAsync(second, 3));
        Assert.Contains("was rewritten", error.Message);
        Assert.Contains("remembered here", error.Message);
    }

    [Fact]
    public async Task Two_clusters_on_one_bucket_make_one_chain_with_every_acknowledged_record_once()
    {
        var bucket = new MemoryObjectStore();
        var clusters = new[] { await StartAsync(new CiuicCluster { Memory = bucket }), await StartAsync(new CiuicCluster { Memory = bucket }) };
        await Task.WhenAll(clusters.SelectMany((cluster, c) => Enumerable.Range(0, 50).Select(async i =>
        {
            if (i % 10 == c)
                cluster.Store.Arm(0, i % 20 == c ? Fault.FailsAfter : Fault.LandsLate);
            await AppendStubbornlyAsync(cluster, (c * 50) + i + 1);
        })));
        foreach (var cluster in clusters)
            await cluster.Store.LandLateWritesAsync();
        var (seen, size) = (new List<long>(), 0L);
        await foreach (var linked in LedgerReader.ReadAsync(new LedgerBucket(bucket, TestBucket.Ledger), [], null, default))
        {
            seen.AddRange(linked.Block.Facts().Select(f => f.Record.Step!.Value));
            size = linked.Block.Height + 1; // one that was done first has not seen the other's last blocks
        }

        await CheckAsync(clusters[0], size);
        Assert.Equal(Enumerable.Range(1, 100).Select(i => (long)i), seen.Order());
    }

    private async Task<CiuicCluster> FiveBlocksAsync()
    {
        var cluster = await StartAsync(new CiuicCluster());
        for (var i = 1; i <= 5; i++)
            await AppendAsync(cluster, i);
        await cluster.PublishAsync();
        return cluster;
    }

    /// <summary>Five blocks, and a signed tree head of the first three that says something else: nothing can mend that.</summary>
    private async Task<(MemoryObjectStore Store, ObjectKey Key, byte[] Right)> DamageAsync()
    {
        var cluster = await FiveBlocksAsync();
        var key = BucketLayout.CheckpointAt(TestBucket.Ledger, 3);
        var tip = LedgerTip.Start(TestKeys.Public);
        await foreach (var linked in new LedgerBucket(cluster.Memory, TestBucket.Ledger).FollowAsync(tip, 0, default))
            tip = linked.After.Size <= 3 ? linked.After : tip;
        await cluster.Memory.PutAsync(key, new TreeHead(TestKeys.Origin, 3, Digest.Of("lie"u8)).Sign(TestKeys.TreeHead), default);
        return (cluster.Memory, key, tip.Head.Sign(TestKeys.TreeHead));
    }

    /// <returns>The right bytes of the third block.</returns>
    private static async Task<byte[]> DamageBlockAsync(MemoryObjectStore store, string how)
    {
        var key = BucketLayout.Block(TestBucket.Ledger, 2);
        var block = (await store.GetAsync(key, default))!;
        var damaged = block.ToArray();
        damaged[30] ^= 1;
        await store.DeleteAsync(key, default);
        if (how == "changed")
            await store.PutAsync(key, damaged, default);
        return block;
    }

    private static async Task<int> RotationsAsync(CiuicCluster cluster)
    {
        var view = await cluster.Ledger.DescribeAsync();
        return view.BlockKeys.Length + view.TreeHeadKeys.Length - 2;
    }

    private static async Task<LedgerView> RotateAsync(CiuicCluster cluster, KeyRole role, string reason) =>
        await cluster.Ledger.RotateAsync(role, await cluster.Ledger.PrepareKeyAsync(role), "me", reason);

    private static Task<LedgerPosition> AppendAsync(CiuicCluster cluster, long sequence) =>
        cluster.Ledger.AppendAsync(RecordOf(sequence).Encode(), 0);

    /// <summary>Each of a run of its own, so that any order is a history.</summary>
    private static LedgerRecord RecordOf(long number) => Samples.Record(number) with
    {
        Run = RunId.Parse($"run-{number}"),
        Sequence = Sequence.First,
    };

    private static async Task AppendStubbornlyAsync(CiuicCluster cluster, long sequence)
    {
        while (true)
        {
            try
            {
                await AppendAsync(cluster, sequence);
                return;
            }
            catch (UnavailableException)
            {
                await Task.Delay(5);
            }
        }
    }

    private static async Task CheckAsync(CiuicCluster cluster, long size)
    {
        await cluster.PublishAsync();
        var findings = new List<AuditFinding>();
        var tip = await BucketAudit.CheckLedgerAsync(
            new LedgerBucket(cluster.Memory, TestBucket.Ledger), TlogPolicy.Alone(TestKeys.TreeHead.Verifier), findings, _ => { }, default);
        Assert.True(findings.Count == 0, string.Join("; ", findings));
        Assert.Equal(size, tip.Size);
    }
}
