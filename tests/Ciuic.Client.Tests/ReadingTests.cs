using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>Parts of committed snapshots.</summary>
public sealed class ReadingTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Theory]
    [InlineData("model", 2, 0)]
    [InlineData("model/blocks.0.*", 1, 0)]
    [InlineData("model/blocks.?.weight|note", 2, 1)]
    [InlineData("", 2, 1)]
    public async Task Only_what_matches_is_shown_and_read(string patterns, int tensors, int values)
    {
        var run = $"parts-{patterns.Length}";
        var blocks = await SaveAsync(run);
        cluster.Store.Reads.Clear();
        using var snapshot = await _chain.Chain().ReadAsync(
            run, SnapshotRef.Parse("latest"), patterns.Split('|', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain(cluster.Store.Reads, r => r.StartsWith(BucketLayout.ChunksPrefix, StringComparison.Ordinal));
        Assert.Equal(1, snapshot.Manifest.Step);
        Assert.Equal(tensors, snapshot.Items.Sum(i => i.Tensors.Count));
        Assert.Equal(values, snapshot.Items.Sum(i => i.ByteNames.Count));
        foreach (var (name, record) in snapshot.Items[0].Tensors)
        {
            var content = new byte[record.Length];
            snapshot.Items[0].ReadTensor(name, (at, bytes) => bytes.CopyTo(content.AsMemory((int)at)));
            Assert.Equal(blocks.Single(b => b.Name == name).Content, content);
        }
    }

    [Fact]
    public async Task A_pattern_that_matches_nothing_is_named_with_the_items_there_are()
    {
        await SaveAsync("misspelled");
        var error = await Assert.ThrowsAsync<NotFoundException>(() =>
            _chain.Chain().ReadAsync("misspelled", SnapshotRef.Parse("latest"), ["model", "modell/*"]));
        Assert.Contains("'modell/*'", error.Message);
        Assert.Contains("model, note", error.Message);
        await Assert.ThrowsAsync<InvalidInputException>(() => _chain.Chain().ReadAsync("misspelled", SnapshotRef.Parse("latest"), [""]));
        await Assert.ThrowsAsync<NotFoundException>(() => _chain.Chain().ReadAsync("nobody", SnapshotRef.Parse("latest"), []));
    }

    [Fact]
    public async Task Damage_is_told_when_what_it_hits_is_read()
    {
        await SaveAsync("read-damaged");
        await _chain.DamageAsync("read-damaged", 1);
        using var snapshot = await _chain.Chain().ReadAsync("read-damaged", SnapshotRef.Parse("latest"), []);
        var error = Assert.Throws<CorruptException>(() => snapshot.Items[0].ReadTensor("blocks.0.weight", (_, _) => { }));
        Assert.Contains("model/blocks.0.weight", error.Message);
    }

    [Fact]
    public async Task Progress_tells_rate_and_remaining_time()
    {
        await using var run = await _chain.OpenAsync("progress");
        var model = new TrackedArray(Elements);
        var seen = new List<SaveProgress>();
        run.OnSaveProgress += seen.Add;
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 77);
        var last = seen.Last(p => p.Stage == SaveStage.Uploading);
        Assert.Equal(last.TotalBytes, last.DoneBytes);
        Assert.True(last.BytesPerSecond > 0);
        Assert.Equal(TimeSpan.Zero, last.Remaining);
    }

    private async Task<ArrayTensor[]> SaveAsync(string name)
    {
        ArrayTensor[] blocks = [ArrayTensor.Random("blocks.0.weight", 30_000, 1), ArrayTensor.Random("blocks.1.weight", 30_000, 2)];
        await using var run = await _chain.OpenAsync(name);
        await run.Track(new TrackedTensors(blocks)).TrackBytes("note", () => [1, 2], _ => { }).ResumeAsync();
        await (await run.SaveAsync(new TrainingProgress(1, 0, 1))).Committed.WaitAsync(Soon);
        return blocks;
    }

    private sealed class TrackedTensors(ArrayTensor[] tensors) : ITrackedState
    {
        public string Item => "model";

        public Snapshots.ItemState Capture() => new(Item, tensors, [], []);

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<Snapshots.SkippedPart> Restore(SavedItem saved) => [];
    }
}
