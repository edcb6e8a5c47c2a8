using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace Ciuic.Silo;

/// <summary>Wires one silo on the embedded defaults: SQLite for the grains, a folder for the bytes.</summary>
internal static class SiloHost
{
    /// <summary>How Orleans calls SQLite; it maps this to Microsoft.Data.Sqlite.</summary>
    private const string Sqlite = "System.Data.SQLite";

    /// <summary>SQLite's calls block their thread; a pool that grows by one a second would stall the silo.</summary>
    private const int MinThreads = 32;

    public static async Task<IHost> BuildAsync(IConfiguration configuration)
    {
        ThreadPool.SetMinThreads(MinThreads, MinThreads);
        var settings = SiloSettings.Load(configuration);
        Ports.EnsureFree("Ciuic:Silo:SiloPort", settings.Silo.SiloPort);
        Ports.EnsureFree("Ciuic:Silo:GatewayPort", settings.Silo.GatewayPort);
        var store = await new StoreSchemes(new S3Scheme()).OpenAsync(configuration, CancellationToken.None);
        settings.Store.DeleteLeftovers(TimeProvider.System);
        var signer = new LedgerSigner(settings.Ledger.Origin, new LedgerKeyStore(settings.Ledger));
        var trust = LedgerTrustSettings.Read(settings.Ledger, settings.Store.IsDurable, signer);
        var builder = NewBuilder(configuration);
        builder.Services.AddSingleton(DatabaseLock.Take(settings.Database.Path));
        var database = SqliteDatabase.Open(settings.Database.Path);
        AddOptions(builder.Services, settings);
        builder.Services.AddSingleton(new SiloSummary(settings, store));
        builder.Services.AddHostedService<SiloGreeting>();
        builder.UseOrleans(silo => Configure(silo, settings, database, store, signer, trust));
        return builder.Build();
    }

    /// <summary>Without .NET's defaults: they read settings of their own, from places that appsettings.json does not name.</summary>
    private static HostApplicationBuilder NewBuilder(IConfiguration configuration)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddConfiguration(configuration);
        builder.Logging.AddConfiguration(configuration.GetSection("Logging")).AddConsole();
        return builder;
    }

    private static void AddOptions(IServiceCollection services, SiloSettings settings)
    {
        services.AddSingleton(Options.Create(settings.Ledger));
        services.AddSingleton(Options.Create(settings.Runs));
        services.AddSingleton(Options.Create(settings.Snapshots));
        services.Configure<HostOptions>(o => o.ShutdownTimeout = settings.Silo.DrainTimeout);
    }

    private static void Configure(
        ISiloBuilder silo,
        SiloSettings settings,
        SqliteDataSource database,
        IObjectStore store,
        LedgerSigner signer,
        LedgerTrust trust)
    {
        silo.UseLocalhostClustering(
            settings.Silo.SiloPort, settings.Silo.GatewayPort, null, settings.Silo.ServiceId, settings.Silo.ClusterId);
        foreach (var provider in new[] { CiuicGrains.StorageProvider, "PubSubStore" })
            AddStorage(silo, provider, database);
        silo.UseAdoNetReminderService(o =>
        {
            o.Invariant = Sqlite;
            o.DataSource = database;
        });
        silo.AddMemoryStreams(Contracts.RunEvent.StreamProvider);
        silo.AddCiuicGrains(store, signer, trust);
    }

    private static void AddStorage(ISiloBuilder silo, string provider, SqliteDataSource database) =>
        silo.AddAdoNetGrainStorage(provider, builder => builder.Configure<Serializer>((o, serializer) =>
        {
            o.Invariant = Sqlite;
            o.DataSource = database;
            o.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
        }));
}
