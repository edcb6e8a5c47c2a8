using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Silo;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace Ciuic.Benchmarks;

/// <summary>
/// A silo in this process as it runs embedded: a folder for the bytes, SQLite for grain state, everything flushed. Asked
/// from within, as its own grains ask.
/// </summary>
internal sealed class LedgerSilo : IAsyncDisposable
{
    private readonly InProcessTestCluster _cluster;

    private LedgerSilo(InProcessTestCluster cluster) => _cluster = cluster;

    public IGrainFactory Grains => _cluster.Silos[0].ServiceProvider.GetRequiredService<IGrainFactory>();

    public ILedgerGrain Ledger => Grains.GetGrain<ILedgerGrain>(TestBucket.Ledger);

    public static async Task<LedgerSilo> StartAsync(string folder, TimeSpan publishInterval, LedgerTrust trust)
    {
        Directory.CreateDirectory(folder);
        var options = new LedgerOptions { PublishInterval = publishInterval, Origin = TestKeys.Origin };
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => Configure(silo, folder, options, trust));
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return new LedgerSilo(cluster);
    }

    /// <summary>
    /// A caller that appends and knows how long the ledger was before, as snapshot grains do: the ledger looks for a
    /// repeat in the blocks since.
    /// </summary>
    public async Task<Func<Task<LedgerPosition>>> AppenderAsync()
    {
        var ledger = Ledger;
        var size = await ledger.GetSizeAsync();
        return async () =>
        {
            var position = await ledger.AppendAsync(Records.Next(), size);
            size = position.Height + 1;
            return position;
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        SqliteConnection.ClearAllPools();
    }

    private static void Configure(ISiloBuilder silo, string folder, LedgerOptions options, LedgerTrust trust)
    {
        silo.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        silo.Services.AddSingleton(Options.Create(options));
        silo.Services.AddSingleton(Options.Create(new SnapshotOptions()));
        silo.Services.AddSingleton(Options.Create(new RunOptions()));
        var database = SqliteDatabase.Open(Path.Combine(folder, "silo.db"));
        silo.AddAdoNetGrainStorage(CiuicGrains.StorageProvider, builder => builder.Configure<Serializer>((o, serializer) =>
        {
            o.Invariant = "System.Data.SQLite";
            o.DataSource = database;
            o.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
        }));
        silo.AddMemoryGrainStorage("PubSubStore");
        silo.UseInMemoryReminderService();
        silo.AddCiuicGrains(new FileObjectStore(Path.Combine(folder, "bucket")), TestKeys.NewSigner(), trust);
    }
}
