using Ciuic.Client;
using Ciuic.Snapshots;
using Ciuic.Testing;
using static Ciuic.Client.Tests.TestChain;

namespace Ciuic.Client.Tests;

/// <summary>Every write of a save that is told from the one before, gone wrong in every way: the save arrives, and comes back.</summary>
public sealed class FaultTableTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private readonly TestChain _chain = new(cluster);

    [Theory]
    [InlineData(Fault.FailsBefore)]
    [InlineData(Fault.FailsAfter)]
    [InlineData(Fault.LandsLate)]
    public async Task Whatever_write_fails_the_save_is_committed_and_restored_bit_for_bit(Fault fault)
    {
        _chain.Save.ChunkBytes = 64 << 10; // three chunks of each tensor
        for (var write = 0; ; write++)
        {
            var (name, layer) = ($"fault-{fault}-{write}".ToLowerInvariant(), new AdamTensors(((int)fault * 1_000) + write, 40, 1_000));
            await using (var run = await _chain.OpenAsync(name))
            {
                await run.Track(new TrackedLayer(layer)).ResumeAsync();
                await SaveAsync(run, layer, 1);
                cluster.Store.Arm(write, fault);
                await SaveAsync(run, layer, 2);
            }

            var happened = cluster.Store.Happened;
            cluster.Store.Arm(-1, fault);
            await cluster.Store.LandLateWritesAsync();
            var restored = new AdamTensors(0, 40, 1_000);
            await using var next = await _chain.OpenAsync(name);
            Assert.Equal(2, (await next.Track(new TrackedLayer(restored)).ResumeAsync()).Progress.Step);
            Assert.Equal(layer.Weight.Content, restored.Weight.Content);
            Assert.Equal(layer.Mean.Content, restored.Mean.Content);
            Assert.Equal(layer.Square.Content, restored.Square.Content);
            if (!happened)
            {
                Assert.InRange(write, 12, 100); // chunks, manifests and the block were all tried
                return;
            }
        }
    }

    private static async Task SaveAsync(TrainingRun run, AdamTensors layer, long step)
    {
        layer.Train();
        await (await run.SaveAsync(new TrainingProgress(step, 0, step))).Committed.WaitAsync(Soon);
    }

    /// <summary>Weights and moments in one item, with the optimizer's last step.</summary>
    private sealed class TrackedLayer(AdamTensors layer) : ITrackedState
    {
        private readonly Dictionary<string, ArrayTensor> _tensors = new() { ["w"] = layer.Weight, ["m"] = layer.Mean, ["v"] = layer.Square };

        public string Item => "layer";

        public ItemState Capture() => new(
            Item, [.. _tensors.Select(t => new ArrayTensor(t.Key, t.Value.DType, [.. t.Value.Shape], t.Value.Content))], [], [])
        {
            Steps = [layer.Step with { Mean = "m", Square = "v" }],
        };

        public IReadOnlyList<string> Compare(SavedItem saved) => [];

        public IReadOnlyList<SkippedPart> Restore(SavedItem saved)
        {
            foreach (var (name, tensor) in _tensors)
                saved.ReadTensor(name, (at, bytes) => bytes.CopyTo(tensor.Content.AsMemory((int)at)));
            return [];
        }
    }
}
