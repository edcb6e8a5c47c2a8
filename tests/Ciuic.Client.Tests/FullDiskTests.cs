using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

public sealed class FullDiskTests
{
    [Fact]
    public async Task A_disk_that_becomes_full_stops_saves_and_not_training_and_loses_nothing()
    {
        using var disk = new SmallDisk(16 << 20);
        var store = new FileObjectStore(Path.Combine(disk.Path, "store"));
        await using var cluster = new CiuicCluster { Bucket = store };
        await cluster.InitializeAsync();
        var chain = new TestChain(cluster);
        chain.Save.MaxWait = TimeSpan.Zero;
        var run = await chain.OpenAsync("full-disk");
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        await StepAsync(run, model, 1);

        var fill = disk.Fill();
        var full = await Assert.ThrowsAsync<UnavailableException>(() => store.CreateAsync(new ObjectKey("a"), new byte[1 << 20], CancellationToken.None));
        Assert.True(full.IsFull, $"{full.GetBaseException()} {full.GetBaseException().HResult}");
        model.Train(2);
        var second = model.Content.ToArray();
        var waiting = await run.SaveAsync(new TrainingProgress(2, 1, 5)).WaitAsync(Soon);
        Assert.True(await Task.Run(() => SpinWait.SpinUntil(() => chain.Log.Contains("cannot be stored yet"), Soon)));
        model.Train(3);
        var skipped = await run.SaveAsync(new TrainingProgress(3, 1, 5)).WaitAsync(Soon);
        await Assert.ThrowsAsync<UnavailableException>(() => skipped.Committed.WaitAsync(Soon));
        Assert.False(waiting.Committed.IsCompleted);

        File.Delete(fill);
        Assert.Equal(new Sequence(2), (await waiting.Committed.WaitAsync(Soon)).Sequence);
        await StepAsync(run, model, 4);
        await run.DisposeAsync();
        var restored = new TrackedArray(Elements);
        await using var next = await chain.OpenAsync("full-disk");
        var report = await next.Track(restored).ResumeAsync();
        Assert.Equal(4, report.Progress.Step);
        Assert.Equal(model.Content, restored.Content);
        using var saved = await chain.Chain().ReadAsync("full-disk", SnapshotRef.Parse("#2"), []);
        saved.Items.Single().ReadTensor("t", (offset, bytes) => bytes.CopyTo(restored.Content.AsMemory((int)offset)));
        Assert.Equal(second, restored.Content);
    }
}
