using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Client.Tests;

/// <summary>Chains on a cluster in this process, whose silos can seem to be away.</summary>
internal sealed class TestChain(CiuicCluster cluster)
{
    /// <summary>Elements of the model that these tests train.</summary>
    public const int Elements = 20_000;

    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    public ListLogger Log { get; } = new();

    public SwitchedConnection Connection { get; } = new(cluster);

    public ClientOptions Client { get; } = new() { ConnectPatience = TimeSpan.FromSeconds(1), StorePatience = TimeSpan.Zero, Gateways = ["127.0.0.1:1"] };

    public SaveOptions Save { get; } = new()
    {
        OnTerminate = OnTerminate.Ignore,
        MaxWait = TimeSpan.FromSeconds(5),
        FinishDeadline = TimeSpan.FromSeconds(10),
        SpoolDirectory = "none",
    };

    public RankOptions Ranks { get; } = new();

    public CodecOptions Codec { get; } = new();

    /// <summary>Trains a step, saves it and waits for its commit.</summary>
    public static async Task StepAsync(TrainingRun run, TrackedArray model, long step)
    {
        model.Train(step);
        var save = await run.SaveAsync(new TrainingProgress(step, 1, 5), new Dictionary<string, double> { ["loss"] = 1 });
        await save.Committed.WaitAsync(Soon);
    }

    /// <summary>Saves these steps as an attempt of its own, with everything as it is by default.</summary>
    public async Task SaveStepsAsync(string name, params long[] steps)
    {
        await using var run = await new TestChain(cluster).OpenAsync(name);
        var model = new TrackedArray(Elements);
        await run.Track(model).ResumeAsync();
        foreach (var step in steps)
            await StepAsync(run, model, step);
    }

    /// <summary>Flips a bit of a stored chunk.</summary>
    public async Task DamageAsync(string run, long sequence, int chunk = 0)
    {
        var id = new SnapshotId(RunId.Parse(run), new Sequence(sequence));
        var bytes = await cluster.Memory.GetAsync(BucketLayout.Shard(id, new Rank(0)), CancellationToken.None);
        var key = BucketLayout.Chunk(ManifestCodec.DecodeShard(bytes).Chunks[chunk]);
        var stored = (await cluster.Memory.GetAsync(key, CancellationToken.None))!;
        stored[^1] ^= 1;
        await cluster.Memory.PutAsync(key, stored, CancellationToken.None);
    }

    /// <summary>What a new process asks the cluster by.</summary>
    public ICoordinator NewCoordinator() => ClusterAccess.Of(cluster, Connection);

    /// <summary>The chain of a new process.</summary>
    public SnapshotChain Chain(ICoordinator? coordinator = null) => new(
        Client, Save, Ranks, Codec, coordinator ?? NewCoordinator(), cluster.Store, null, TimeProvider.System, Log);

    /// <summary>Opens a run as a new process would.</summary>
    /// <param name="run">The run.</param>
    /// <param name="hook">Changes the answers of the cluster.</param>
    public Task<TrainingRun> OpenAsync(string run, Action<HookedCoordinator>? hook = null) =>
        OpenAsync(run, RankPlace.Alone(Guid.NewGuid()), hook);

    /// <summary>Opens a run as one of several processes would.</summary>
    public Task<TrainingRun> OpenAsync(string run, RankPlace place, Action<HookedCoordinator>? hook = null)
    {
        var coordinator = new HookedCoordinator(NewCoordinator());
        hook?.Invoke(coordinator);
        return Chain(coordinator).OpenRunAsync(RunId.Parse(run), place, CancellationToken.None);
    }
}
