using System.Collections.Concurrent;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;
using Xunit;

namespace Ciuic.Testing;

/// <summary>
/// A cluster in this process on one bucket and one grain storage, both of which can be made to fail. Silos can be
/// killed; the storage and the bucket survive, as they would.
/// </summary>
public sealed class CiuicCluster : IAsyncLifetime
{
    private ChunkStore? _chunks;
    private FaultyObjectStore? _store;
    private InProcessTestCluster? _cluster;

    public int Silos { get; init; } = 1;

    /// <summary>The bucket; another cluster's, to stand on the same one with a database of its own.</summary>
    public MemoryObjectStore Memory { get; init; } = new();

    /// <summary>A bucket that is not in memory; null for <see cref="Memory"/>.</summary>
    public IObjectStore? Bucket { get; init; }

    public FaultyObjectStore Store => _store ??= new FaultyObjectStore(Bucket ?? Memory);

    /// <summary>The database; a backup of another cluster's, to go back in time.</summary>
    public SharedGrainStorage Storage { get; init; } = new();

    /// <summary>A database instead of <see cref="Storage"/>: adds state and reminders.</summary>
    public Action<ISiloBuilder>? Database { get; init; }

    public RunOptions Runs { get; } = new();

    public LedgerSigner Signer { get; init; } = TestKeys.NewSigner();

    public LedgerTrust Trust { get; init; } = LedgerTrust.Alone;

    public LedgerOptions LedgerOptions { get; } = new() { PublishInterval = TimeSpan.FromMilliseconds(10) };

    public ILedgerGrain Ledger => Grains.GetGrain<ILedgerGrain>(TestBucket.Ledger);

    public SnapshotOptions Snapshots { get; } = new() { RetryInterval = TimeSpan.FromMilliseconds(100) };

    /// <summary>Which calls have arrived at grains.</summary>
    public ArrivedCalls Arrived { get; } = new();

    public ScrubOptions Scrub { get; } = new() { PerDay = 24 };

    public InProcessTestCluster Cluster => _cluster!;

    public IGrainFactory Grains => _cluster!.Client;

    public async ValueTask InitializeAsync()
    {
        var builder = new InProcessTestClusterBuilder((short)Silos);
        builder.Options.ConfigureFileLogging = false; // it would write into whatever folder one stands in
        builder.ConfigureSilo((_, silo) => Configure(silo));
        builder.ConfigureClient(client =>
        {
            client.Services.Configure<ExceptionSerializationOptions>(o => o.SupportedNamespacePrefixes.Add("Ciuic"));
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    public IRunGrain Run(string name) => Grains.GetGrain<IRunGrain>(name);

    public ISnapshotGrain Snapshot(string run, Sequence sequence) =>
        Grains.GetGrain<ISnapshotGrain>(new SnapshotId(RunId.Parse(run), sequence).ToString());

    /// <summary>The process of <see cref="Open"/>.</summary>
    public static RankProcess Alone => new(new Rank(0), Guid.Empty);

    public static OpenRequest Open(FencingToken? takeOver = null, int worldSize = 1) => new()
    {
        Attempt = Guid.NewGuid(),
        Trainer = Samples.Trainer,
        TakeOverFrom = takeOver,
        WorldSize = worldSize,
    };

    public static SnapshotPlan Plan(long step, int worldSize = 1) => new()
    {
        Step = step,
        Epoch = 0,
        NextSample = step,
        Metrics = new() { ["loss"] = 1.0 / step },
        Labels = [],
        WorldSize = worldSize,
        Trainer = Samples.Trainer,
        Save = worldSize > 1 ? step : 0,
    };

    /// <summary>Does what a trainer does for one rank, without retries.</summary>
    public async Task<ShardDigest> StoreShardAsync(string run, Sequence sequence, int rank, int seed)
    {
        using var arena = new StagingBuffers(1 << 24);
        var item = new ItemState("model", [ArrayTensor.Random("t", 20_000, seed)], [], []);
        var staged = StagedShard.Stage(arena, [item], 32 << 10);
        var uploaded = await new ShardUploader(_chunks ??= new ChunkStore(Store), new CodecOptions(), 1).UploadAsync(staged, _ => { }, CancellationToken.None);
        var shard = Samples.Shard(RunId.Parse(run), sequence.Value, staged, uploaded) with { Rank = new Rank(rank) };
        var bytes = ManifestCodec.Encode(shard);
        await Store.CreateAsync(
            BucketLayout.Shard(new SnapshotId(RunId.Parse(run), sequence), new Rank(rank)), bytes, CancellationToken.None);
        return ShardDigest.Of(bytes);
    }

    /// <summary>Saves one snapshot of one rank and waits for its end.</summary>
    public async Task<SnapshotView> SaveAsync(string run, FencingToken token, long step)
    {
        var begun = await Run(run).BeginSnapshotAsync(token, Plan(step));
        Assert.Equal(BeginOutcome.Begun, begun.Outcome);
        var sequence = begun.Sequence!.Value;
        var shard = await StoreShardAsync(run, sequence, 0, (int)step);
        Assert.Equal(ShardReply.Accepted, await Snapshot(run, sequence).CompleteShardAsync(token, new Rank(0), shard));
        return await SettledAsync(run, sequence);
    }

    public async Task<SnapshotView> SettledAsync(string run, Sequence sequence)
    {
        while (true)
        {
            var view = await Snapshot(run, sequence).WaitAsync(TimeSpan.FromSeconds(5));
            if (view?.State is SnapshotState.Committed or SnapshotState.Aborted)
                return view;
        }
    }

    /// <summary>The run's head once it knows how its snapshot in flight ended.</summary>
    public async Task<RunView> QuietAsync(string run)
    {
        while (true)
        {
            var view = await Run(run).DescribeAsync();
            if (view is { Pending: null })
                return view;
            await Task.Delay(20);
        }
    }

    public async Task<RunEvent[]> EventsAsync(string run) => await Run(run).ReadEventsAsync(1, 1_000);

    /// <summary>Audits the bucket: nothing committed is lost or damaged, whatever happened.</summary>
    public async Task<AuditReport> AuditAsync()
    {
        await PublishAsync();
        var report = await TestBucket.AuditAsync(Memory);
        Assert.Empty(report.Findings);
        return report;
    }

    /// <summary>Publishes everything; asks again where an injected fault comes this late.</summary>
    public async Task PublishAsync()
    {
        while (true)
        {
            try
            {
                await Grains.GetGrain<ILedgerGrain>(TestBucket.Ledger).PublishAsync();
                return;
            }
            catch (UnavailableException)
            {
                await Task.Delay(20);
            }
        }
    }

    private void Configure(ISiloBuilder silo)
    {
        silo.Services.AddSingleton(Options.Create(Snapshots));
        silo.Services.AddSingleton(Options.Create(LedgerOptions));
        silo.Services.AddSingleton(Options.Create(Runs));
        silo.Services.AddSingleton(Options.Create(Scrub));
        if (Database is not null)
        {
            Database(silo);
        }
        else
        {
            silo.AddCiuicStorage(services => Storage.On(services.GetRequiredService<Serializer>()));
            silo.AddMemoryGrainStorage("PubSubStore");
            silo.UseInMemoryReminderService();
        }

        silo.AddIncomingGrainCallFilter(Arrived);
        silo.AddCiuicGrains(Store, Signer, Trust);
    }
}
