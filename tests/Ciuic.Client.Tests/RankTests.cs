using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>Several processes that train one run: they save apart, commit together, and come back in other numbers.</summary>
public sealed class RankTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    public static TheoryData<int, int> Worlds => new() { { 1, 4 }, { 4, 1 }, { 4, 2 }, { 3, 5 }, { 3, 3 }, { 2, 12 } };

    [Theory]
    [MemberData(nameof(Worlds))]
    public async Task What_some_ranks_saved_others_restore(int saved, int loaded)
    {
        var name = $"elastic-{saved}-{loaded}";
        await using (var group = await RankGroup.OpenAsync(_chain, name, saved, "first"))
        {
            await group.ResumeAsync();
            group.Models.ForEach(m => m.Train(7));
            await group.SaveAsync(7);
        }

        await using var next = await RankGroup.OpenAsync(_chain, name, loaded, "second");
        foreach (var report in await next.ResumeAsync())
            Assert.Equal(7, report.Progress.Step);
        foreach (var model in next.Models)
        {
            Assert.Equal(RankModel.At(7, RankModel.Whole, "weight"), model.Weight);
            Assert.Equal(model.Cut(RankModel.At(7, RankModel.Whole, "moment")), model.Moment);
            var isNew = model.Rank >= saved;
            Assert.Equal(isNew ? -1 : 7 * 100 + model.Rank, model.Random);
        }

        next.Models.ForEach(m => m.Train(8));
        await next.SaveAsync(8);
    }

    [Fact]
    public async Task Replicated_tensors_are_stored_once_and_the_work_is_shared()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "once", 4, "only");
        await group.ResumeAsync();
        group.Models.ForEach(m => m.Train(1));
        var link = await group.SaveAsync(1);
        var shards = new List<ShardManifest>();
        for (var rank = 0; rank < 4; rank++)
        {
            var key = BucketLayout.Shard(new SnapshotId(RunId.Parse("once"), link.Sequence), new Rank(rank));
            shards.Add(ManifestCodec.DecodeShard(await cluster.Memory.GetAsync(key, CancellationToken.None)));
        }

        Assert.Single(shards.SelectMany(s => s.Tensors), t => t.Name == "weight");
        var layers = shards.Select(s => s.Tensors.Count(t => t.Name.StartsWith("layer", StringComparison.Ordinal)));
        Assert.Equal([0, 3, 3, 2], layers); // the large one alone is more than a share
        Assert.Single(shards.Select(s => s.Replicated).Distinct());
    }

    [Fact]
    public async Task A_rank_that_does_not_come_is_named_and_the_others_do_not_train()
    {
        _chain.Ranks.Patience = TimeSpan.FromSeconds(1);
        await using var group = await RankGroup.OpenAsync(_chain, "absent", 3, "only", ranks: [0, 2]);
        var error = await Assert.ThrowsAsync<UnavailableException>(() => group.ResumeAsync());
        Assert.Contains("of 3 ranks 1 have not restored", error.Message);
    }

    [Fact]
    public async Task A_rank_that_leaves_as_soon_as_all_are_ready_keeps_nobody_waiting()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "short", 2, "only");
        var waiting = Task.Run(() => group.Runs[1].ResumeAsync());
        await _chain.Log.UntilAsync("of 2 ranks 0 have not restored").WaitAsync(Soon);
        await group.Runs[0].ResumeAsync();
        await group.Runs[0].DisposeAsync();
        await waiting.WaitAsync(Soon);
    }

    [Fact]
    public async Task Ranks_wait_for_a_silo_where_one_process_would_train_without()
    {
        await using (var before = await RankGroup.OpenAsync(_chain, "late-silo", 2, "first"))
        {
            await before.ResumeAsync();
            await before.SaveAsync(1);
        }

        var other = new TestChain(cluster);
        other.Connection.Cut();
        await using var first = await RankGroup.OpenAsync(_chain, "late-silo", 2, "second", ranks: [0]);
        await using var second = await RankGroup.OpenAsync(other, "late-silo", 2, "second", ranks: [1]);
        var resuming = Task.WhenAll(first.ResumeAsync(), second.ResumeAsync());
        await Task.Delay(500);
        Assert.False(resuming.IsCompleted);
        other.Connection.Mend();
        Assert.All((await resuming.WaitAsync(Soon)).SelectMany(r => r), r => Assert.False(r.WithoutSilo));
    }

    [Fact]
    public async Task Ranks_that_begin_from_scratch_put_their_snapshots_behind_the_head()
    {
        await using (var before = await RankGroup.OpenAsync(_chain, "scratch", 2, "first"))
        {
            await before.ResumeAsync();
            await before.SaveAsync(1);
        }

        _chain.Client.Resume = ResumePolicy.Never;
        await using var next = await RankGroup.OpenAsync(_chain, "scratch", 2, "second");
        Assert.All(await next.ResumeAsync(), r => Assert.Null(r.From));
        Assert.Equal(2, (await next.SaveAsync(1)).Sequence.Value);
    }

    [Fact]
    public async Task A_bucket_that_does_not_answer_at_first_is_asked_again()
    {
        await _chain.SaveStepsAsync("late-bucket", 1);
        _chain.Client.StorePatience = Soon;
        var tries = 0;
        cluster.Store.Unreadable = key => key.Path.StartsWith("runs/late-bucket/1/shard", StringComparison.Ordinal) && tries++ < 2;
        await using var run = await _chain.OpenAsync("late-bucket");
        var report = await run.Track(new TrackedArray(Elements)).ResumeAsync();
        cluster.Store.Unreadable = _ => false;
        Assert.Equal((1, 3), (report.Progress.Step, tries));
        Assert.True(_chain.Log.Contains("it cannot be restored yet"));
    }

    [Fact]
    public async Task A_rank_whose_shard_is_damaged_takes_all_others_back_with_it()
    {
        await using (var group = await RankGroup.OpenAsync(_chain, "back", 3, "first"))
        {
            await group.ResumeAsync();
            for (var step = 1; step <= 3; step++)
            {
                group.Models.ForEach(m => m.Train(step));
                await group.SaveAsync(step);
            }
        }

        await DamageOwnSliceAsync("back", 3, rank: 1);
        await using var next = await RankGroup.OpenAsync(_chain, "back", 3, "second");
        var reports = await next.ResumeAsync();
        Assert.All(reports, r => Assert.Equal(2, r.Progress.Step));
        Assert.All(next.Models, m => Assert.Equal(m.Cut(RankModel.At(2, RankModel.Whole, "moment")), m.Moment));
        Assert.Equal(2, (await cluster.QuietAsync("back")).HeadStep);
        next.Models.ForEach(m => m.Train(3));
        await next.SaveAsync(3);
    }

    [Fact]
    public async Task A_save_that_one_rank_gives_up_is_given_up_by_all_and_the_next_one_is_committed()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "given-up", 3, "only");
        await group.ResumeAsync();
        group.Models[1].Refuses = true;
        var saves = await group.BeginSaveAsync(1);
        foreach (var save in saves)
            await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(Soon));
        group.Models[1].Refuses = false;
        await group.SaveAsync(2);
        Assert.Equal(1, (await cluster.QuietAsync("given-up")).Committed);
    }

    [Fact]
    public async Task A_save_that_is_skipped_does_not_take_the_one_before_it_along()
    {
        _chain.Save.MaxWait = TimeSpan.Zero;
        await using var group = await RankGroup.OpenAsync(_chain, "skipped", 2, "only");
        await group.ResumeAsync();
        var slow = new TaskCompletionSource();
        cluster.Store.Held = slow.Task;
        try
        {
            foreach (var model in group.Models)
                model.Train(901); // a step of this test alone: its chunks are nobody else's, and must be written
            var first = await group.BeginSaveAsync(901);
            foreach (var skipped in await group.BeginSaveAsync(902))
                Assert.Contains("was skipped", (await Assert.ThrowsAsync<UnavailableException>(() => skipped.Committed.WaitAsync(Soon))).Message);
            await Task.Delay(500); // whoever gives the second one up has done so by now
            Release();
            foreach (var save in first)
                await save.Committed.WaitAsync(Soon);
        }
        finally
        {
            Release(); // or whoever disposes of the group waits for ever
        }

        await group.SaveAsync(903);

        void Release()
        {
            cluster.Store.Held = null;
            slow.TrySetResult();
        }
    }

    [Fact]
    public async Task A_rank_that_waits_for_others_of_its_attempt_does_not_fence_the_attempt_that_came_after()
    {
        _chain.Client.WhenLeased = WhenLeased.TakeOver;
        await using var old = await RankGroup.OpenAsync(_chain, "stale", 2, "first", ranks: [0]);
        var waiting = Task.Run(() => old.Runs[0].ResumeAsync());
        await using var next = await RankGroup.OpenAsync(_chain, "stale", 2, "second");
        await next.ResumeAsync();
        await Assert.ThrowsAsync<FencedException>(() => waiting.WaitAsync(Soon));
        await next.SaveAsync(1);
    }

    [Fact]
    public async Task A_part_of_a_tensor_of_another_shape_is_refused()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "part", 2, "only");
        await group.ResumeAsync();
        await group.SaveAsync(1);
        await using var chain = _chain.Chain();
        using var saved = await chain.ReadAsync("part", new SnapshotRef.Latest(), []);
        var item = saved.Items.Single(i => i.Item == "optimizer");
        item.ReadTensor("moment", TensorSlice.OfRows(RankModel.Whole, 1, 4), (_, _) => { });
        foreach (var rows in new[] { 63L, 65L })
        {
            var error = Assert.Throws<InvalidInputException>(() =>
                item.ReadTensor("moment", TensorSlice.OfRows([rows, RankModel.Whole[1]], 1, 4), (_, _) => { }));
            Assert.Contains("optimizer/moment was saved as [64, 4096]", error.Message);
        }
    }

    [Fact]
    public async Task A_dead_rank_is_replaced_by_a_new_attempt_that_fences_the_old_one()
    {
        await using var old = await RankGroup.OpenAsync(_chain, "replaced", 2, "first");
        await old.ResumeAsync();
        await old.SaveAsync(1);
        var error = await Assert.ThrowsAsync<ConflictException>(() => RankGroup.OpenAsync(_chain, "replaced", 2, "first"));
        Assert.Contains("is a new attempt and needs a new name", error.Message);
        _chain.Client.WhenLeased = WhenLeased.TakeOver;
        await using var next = await RankGroup.OpenAsync(_chain, "replaced", 2, "second");
        Assert.All(await next.ResumeAsync(), r => Assert.Equal(1, r.Progress.Step));
        foreach (var save in await old.BeginSaveAsync(2))
            await Assert.ThrowsAsync<FencedException>(() => save.Committed.WaitAsync(Soon));
        await next.SaveAsync(2);
    }

    [Fact]
    public async Task Ranks_of_another_world_size_or_another_model_are_refused()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "misfits", 2, "only");
        var error = await Assert.ThrowsAsync<ConflictException>(() => RankGroup.OpenAsync(_chain, "misfits", 3, "only", ranks: [2]));
        Assert.Contains("rank 2 says that there are 3 ranks, the first one to come said 2", error.Message);
        await group.ResumeAsync();
        group.Models[1].HasOneMore = true;
        foreach (var save in await group.BeginSaveAsync(1))
        {
            var failed = await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(Soon));
            Assert.Contains("rank 1 has other replicated tensors than rank 0", failed.Message);
        }

        group.Models[1].HasOneMore = false;
        await group.SaveAsync(2);
    }

    [Fact]
    public async Task Ranks_that_hold_different_values_save_nothing_and_are_told_of_which_tensor()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "drifted", 3, "only");
        await group.ResumeAsync();
        group.Models[1].Drift = 1;
        foreach (var save in await group.BeginSaveAsync(1))
        {
            var failed = await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(Soon));
            Assert.Contains("model/layer5 (ranks 0, 2 | 1)", failed.Message);
        }

        group.Models[1].Drift = 0;
        await group.SaveAsync(2);
        Assert.Equal(1, (await cluster.QuietAsync("drifted")).Committed);
    }

    [Fact]
    public async Task Ranks_whose_state_is_larger_than_the_staging_memory_are_compared_too()
    {
        _chain.Save.MaxStagingBytes = 800_000;
        _chain.Save.ChunkBytes = 64 << 10;
        await using var group = await RankGroup.OpenAsync(_chain, "drifted-windows", 2, "only");
        await group.ResumeAsync();
        group.Models[0].Drift = 1;
        foreach (var save in await group.BeginSaveAsync(1))
            Assert.Contains("model/layer5 (ranks 0 | 1)", (await Assert.ThrowsAsync<UnavailableException>(() => save.Committed.WaitAsync(Soon))).Message);
        group.Models[0].Drift = 0;
        await group.SaveAsync(2);
    }

    [Fact]
    public async Task Every_rank_and_a_lone_reader_get_tensors_in_the_order_in_which_they_were_saved()
    {
        string[] order = ["weight", .. Enumerable.Range(0, 8).Select(i => $"layer{i}")];
        await using (var group = await RankGroup.OpenAsync(_chain, "order", 4, "first"))
        {
            await group.ResumeAsync();
            await group.SaveAsync(1);
        }

        await using var next = await RankGroup.OpenAsync(_chain, "order", 4, "second");
        await next.ResumeAsync();
        Assert.All(next.Models, m => Assert.Equal(order, m.Layers));
        await using var chain = _chain.Chain();
        using var saved = await chain.ReadAsync("order", new SnapshotRef.Latest(), []);
        Assert.Equal(order, saved.Items.Single(i => i.Item == "model").Tensors.Keys);
    }

    [Fact]
    public async Task A_save_that_other_ranks_do_not_make_says_within_seconds_whom_it_waits_for()
    {
        await using var group = await RankGroup.OpenAsync(_chain, "waits", 3, "only");
        await group.ResumeAsync();
        var save = await group.Runs[1].SaveAsync(new TrainingProgress(1, 0, 0));
        await _chain.Log.UntilAsync("waits for the shards of other ranks: 0, 2").WaitAsync(Soon);
        Assert.False(save.Committed.IsCompleted);
    }

    [Fact]
    public async Task Ranks_that_save_at_different_steps_are_told()
    {
        _chain.Save.FinishDeadline = TimeSpan.FromSeconds(1); // what never moves is not waited for when the runs are closed
        await using var group = await RankGroup.OpenAsync(_chain, "out-of-step", 2, "only");
        await group.ResumeAsync();
        var first = await group.Runs[0].SaveAsync(new TrainingProgress(10, 0, 0));
        while ((await cluster.Run("out-of-step").DescribeAsync())!.Pending is null)
            await Task.Delay(20);
        var second = await group.Runs[1].SaveAsync(new TrainingProgress(11, 0, 0));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => second.Committed.WaitAsync(Soon));
        Assert.Contains("out of step", error.Message);
        Assert.False(first.Committed.IsCompletedSuccessfully);
    }

    [Fact]
    public void Launchers_say_which_rank_a_process_is()
    {
        var torchrun = Environment(("RANK", "2"), ("WORLD_SIZE", "4"), ("TORCHELASTIC_RUN_ID", "job7"), ("TORCHELASTIC_RESTART_COUNT", "1"));
        var place = RankPlace.Of(new RankOptions(), torchrun);
        Assert.Equal((2, 4), (place.Rank.Value, place.WorldSize));
        Assert.Equal(place.Attempt, RankPlace.Of(new RankOptions(), torchrun).Attempt);
        Assert.NotEqual(place.Process, RankPlace.Of(new RankOptions(), torchrun).Process);
        // Each node counts its own restarts.
        var other = Environment(("RANK", "3"), ("WORLD_SIZE", "4"), ("TORCHELASTIC_RUN_ID", "job7"), ("TORCHELASTIC_RESTART_COUNT", "0"));
        Assert.Equal(place.Attempt, RankPlace.Of(new RankOptions(), other).Attempt);
        Assert.True(place.NameOutlivesStarts);
        var slurm = Environment(("RANK", "2"), ("WORLD_SIZE", "4"), ("SLURM_JOB_ID", "7"), ("SLURM_RESTART_COUNT", "1"));
        Assert.False(RankPlace.Of(new RankOptions(), slurm).NameOutlivesStarts);
        Assert.True(RankPlace.Of(new RankOptions(), Environment()).IsAlone);
        Assert.True(RankPlace.Of(new RankOptions { WorldSize = 1 }, torchrun).IsAlone);
    }

    [Fact]
    public void What_a_program_learns_later_counts_where_settings_say_nothing()
    {
        var learned = new RankOptions { Rank = 1, WorldSize = 2, Attempt = "start" };
        var place = RankPlace.Of(new RankOptions().Or(learned), Environment());
        Assert.Equal((1, 2), (place.Rank.Value, place.WorldSize));
        Assert.True(RankPlace.Of(new RankOptions { WorldSize = 1 }.Or(learned), Environment()).IsAlone);
        Assert.NotEqual(place.Attempt, RankPlace.Of(new RankOptions { Attempt = "named" }.Or(learned), Environment()).Attempt);
    }

    [Fact]
    public void What_is_missing_or_wrong_in_the_environment_is_named()
    {
        Refuses("Ciuic:Ranks:Attempt", ("RANK", "0"), ("WORLD_SIZE", "2"));
        Refuses("Ciuic:Ranks:Attempt", ("RANK", "0"), ("WORLD_SIZE", "2"), ("TORCHELASTIC_RUN_ID", "none"));
        Refuses("set RANK", ("WORLD_SIZE", "2"), ("SLURM_JOB_ID", "1"));
        Refuses("WORLD_SIZE=two", ("RANK", "0"), ("WORLD_SIZE", "two"));
        Refuses("no rank 2 among 2", ("RANK", "2"), ("WORLD_SIZE", "2"), ("SLURM_JOB_ID", "1"));

        static void Refuses(string complaint, params (string, string)[] variables) => Assert.Contains(
            complaint, Assert.Throws<InvalidInputException>(() => RankPlace.Of(new RankOptions(), Environment(variables))).Message);
    }

    [Fact]
    public async Task Settings_by_which_each_rank_would_decide_alone_are_refused()
    {
        _chain.Save.MaxOverhead = 0.03;
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => RankGroup.OpenAsync(_chain, "alone", 2, "only"));
        Assert.Contains("EverySteps", error.Message);
    }

    private static Func<string, string?> Environment(params (string Name, string Value)[] variables) =>
        name => variables.Where(v => v.Name == name).Select(v => v.Value).FirstOrDefault();

    /// <summary>Flips a bit of a chunk that only one rank needs.</summary>
    private async Task DamageOwnSliceAsync(string run, long sequence, int rank)
    {
        var key = BucketLayout.Shard(new SnapshotId(RunId.Parse(run), new Sequence(sequence)), new Rank(rank));
        var shard = ManifestCodec.DecodeShard(await cluster.Memory.GetAsync(key, CancellationToken.None));
        var slice = shard.Tensors.Single(t => t.GlobalShape is not null);
        var at = 0L;
        var chunk = shard.Chunks.First(c => (at += c.Length) > slice.Offset);
        var name = BucketLayout.Chunk(chunk);
        var stored = (await cluster.Memory.GetAsync(name, CancellationToken.None))!;
        stored[^1] ^= 1;
        await cluster.Memory.PutAsync(name, stored, CancellationToken.None);
    }
}
